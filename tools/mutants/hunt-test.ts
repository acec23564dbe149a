/**
 * `node tools/mutants/hunt-test.ts FILE`: runs a test file, and prints as one line of JSON which of its tests failed
 * first. Only an assertion that did not hold, or a test that did not end, says something of the code.
 */
import { run } from 'node:test'
import { verdictOn } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** Some contracts copy whole databases, and the machine may be busy. */
const TEST_TIMEOUT_MS = 120_000

interface Failure {
  readonly name: string
  readonly details: { readonly error: Error & { readonly failureType?: string } }
}

/** Undefined for what only says that something inside of it failed. */
function judge({ name, details: { error } }: Failure): Verdict | undefined {
  const { failureType } = error
  if (failureType === 'testTimeoutFailure')
    return { kind: 'caught', by: name, property: 'liveness', message: 'the test did not end' }
  return failureType === 'testCodeFailure' ? verdictOn(name, error.cause) : undefined
}

async function hunt(file: string): Promise<Verdict> {
  const verdicts: Verdict[] = []
  let passed = 0
  const stream = run({ files: [file], timeout: TEST_TIMEOUT_MS })
  stream.on('test:fail', (failure) => {
    const verdict = judge(failure)
    if (verdict !== undefined) verdicts.push(verdict)
  })
  stream.on('test:pass', () => passed++)
  stream.resume()
  await new Promise((resolve) => stream.on('end', resolve))
  const first = verdicts.find(({ kind }) => kind === 'caught') ?? verdicts[0]
  if (first !== undefined) return first
  return passed > 0 ? { kind: 'missed', looked: `${passed} tests` } : { kind: 'broken', message: `${file} ran no test` }
}

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node tools/mutants/hunt-test.ts FILE')
  process.exitCode = 2
} else console.log(JSON.stringify(await hunt(file)))
