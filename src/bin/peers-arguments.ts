/** The command line of `aspen-node peers`. */
import { ConfigError } from '../cluster/config/index.ts'

export interface PeersArguments {
  /** The HTTP address of a node. */
  readonly url: string
  readonly token: string | null
  /** With what each source said, and how the sources are doing. */
  readonly explain: boolean
}

export const PEERS_HELP = `Usage: aspen-node peers [--explain] [--http URL] [--token TEXT | --token-file FILE]

Prints whom a node knows, how it reaches them, and why it does not.

  --explain          also who told the node of each peer, what, and how long ago; and how each of these sources is doing
  --http URL         the HTTP address of the node; http://127.0.0.1:8080 when absent
  --token TEXT       the bearer token of its HTTP API; ASPEN_HTTP_TOKEN when absent. Others on this machine see what stands here
  --token-file FILE  the file that holds it
`

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** @param argv what follows the word `peers` @throws ConfigError */
export function readPeersArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): PeersArguments {
  const given = { '--http': DEFAULT_URL, '--token': env['ASPEN_HTTP_TOKEN'] ?? '', '--token-file': '' }
  let explain = false
  for (let at = 0; at < argv.length; at++) {
    const [flag, inline] = splitFlag(argv[at] as string)
    if (flag === '--explain' && inline === undefined) explain = true
    else if (isKeyOf(given, flag)) given[flag] = inline ?? valueOf(argv[++at], flag)
    else throw new ConfigError(`peers does not know ${JSON.stringify(argv[at])}: aspen-node peers --help says what it does`)
  }
  const url = given['--http']
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new ConfigError(`flag --http: ${JSON.stringify(url)} is not the HTTP address of a node: give http://HOST:PORT`)
  }
  const token = given['--token-file'] === '' ? given['--token'] : readToken(given['--token-file'], readFile)
  return { url, token: token === '' ? null : token, explain }
}

function splitFlag(word: string): readonly [flag: string, inline?: string] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word]
}

function isKeyOf<T extends object>(given: T, flag: string): flag is Extract<keyof T, string> {
  return Object.hasOwn(given, flag)
}

function valueOf(word: string | undefined, flag: string): string {
  if (word === undefined || word.startsWith('--')) throw new ConfigError(`flag ${flag} needs a value`)
  return word
}

function readToken(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trim()
  } catch (error) {
    throw new ConfigError(`flag --token-file: ${JSON.stringify(path)} cannot be read: ${(error as Error).message}`)
  }
}
