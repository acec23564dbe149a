/** For the scripts that take none: whoever asks for help must not get what the script does. */
import process from 'node:process'

const EXIT_USAGE = 64
const HELP_WORDS = ['--help', '-h', 'help']

/** Ends this process when it was given arguments: with `help` where that was asked for, with a refusal otherwise. */
export function takeNoArguments(name: string, help: string): void {
  const [word] = process.argv.slice(2)
  if (word === undefined) return
  if (HELP_WORDS.includes(word)) {
    process.stdout.write(`Usage: npm run ${name}\n\n${help}\n`)
    process.exit(0)
  }
  process.stderr.write(`${name}: argument ${JSON.stringify(word)} is not expected: it takes none; see --help\n`)
  process.exit(EXIT_USAGE)
}
