/** What a user's programs ask, and what they are answered, as lines of the trace: a failure is read by these. */
import { utf8Decode } from '../../lib/index.ts'

const REQUESTS: ReadonlySet<PropertyKey> = new Set([
  'write',
  'read',
  'scan',
  'init',
  'addLearner',
  'changeMembership',
  'promoteLearner',
  'transferLeadership',
  'clusterState',
  'addPeer',
  'forgetPeer',
  'raiseVersion',
  'triggerSnapshot',
  'leader',
])
const MAX_SHOWN = 200

export interface Recorder {
  /** @param event asks or hears */
  line(event: string, text: string): void
  /** This is what a request was refused with. */
  refused(error: unknown): void
}

/** `target`, whose requests and answers are recorded. */
export function recorded<T extends object>(target: T, recorder: Recorder): T {
  return new Proxy(target, {
    get: (of, name) => {
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value !== 'function') return value
      const call = (...args: readonly unknown[]): unknown => Reflect.apply(value, of, args)
      if (!REQUESTS.has(name)) return call
      return (...args: readonly unknown[]) => ask(String(name), args, call, recorder)
    },
  })
}

async function ask(
  name: string,
  args: readonly unknown[],
  call: (...args: readonly unknown[]) => unknown,
  recorder: Recorder,
): Promise<unknown> {
  recorder.line('asks', [name, ...args.filter((arg) => arg !== undefined).map(shown)].join(' '))
  try {
    const answer = await call(...args)
    recorder.line('hears', `${name} ok ${answer === undefined ? '' : shown(answer)}`.trimEnd())
    return answer
  } catch (error) {
    recorder.line('hears', `${name} ${refusal(error)}`)
    recorder.refused(error)
    throw error
  }
}

function refusal(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const { code } = error as Error & { code?: unknown }
  return short(`${typeof code === 'string' ? code : error.name}: ${error.message}`)
}

function shown(value: unknown): string {
  try {
    return short(JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? textOf(part) : part)))
  } catch {
    return '(what cannot be shown)'
  }
}

function textOf(bytes: Uint8Array): string {
  return utf8Decode(bytes) ?? `${bytes.length} bytes`
}

function short(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`
}
