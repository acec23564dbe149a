import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeConfig } from '../cluster/config/index.ts'
import { LaterVersion } from '../commands/index.ts'
import type { LogLevel } from '../ports/index.ts'
import { REPEATED_SIGNAL_MS, runNode, STOP_DEADLINE_MS } from './node-program.ts'
import type { RunningNode, StartDependencies } from './node-program.ts'
import type { StopSignal } from './signals.ts'

const CONFIG = completeConfig({ nodeId: 4, ractorPort: 26_004 })

/** A process that only writes down what it is told to do. */
class RecordingProcess {
  readonly printed: string[] = []
  readonly complaints: string[] = []
  readonly logged: (readonly [LogLevel, string])[] = []
  readonly exits: number[] = []
  readonly timers: { readonly delayMs: number; readonly run: () => void }[] = []
  nowMs = 0
  signal: (signal: StopSignal) => void = () => assert.fail('no handler of signals')
  uncaught: (error: unknown) => void = () => assert.fail('no handler of uncaught errors')

  readonly host = {
    print: (line: string): void => void this.printed.push(line),
    complain: (line: string): void => void this.complaints.push(line),
    exit: (code: number): void => void this.exits.push(code),
    onSignal: (handler: (signal: StopSignal) => void): void => void (this.signal = handler),
    onUncaught: (handler: (error: unknown) => void): void => void (this.uncaught = handler),
    now: (): number => this.nowMs,
    setTimer: (delayMs: number, run: () => void): void => void this.timers.push({ delayMs, run }),
  }

  readonly logger = { log: (level: LogLevel, message: string): void => void this.logged.push([level, message]) }
}

interface Started {
  readonly process: RecordingProcess
  readonly dependencies: StartDependencies
  /** Ends the stop that the node is in. */
  readonly stopped: PromiseWithResolvers<void>
  readonly stops: () => number
}

async function startNode(): Promise<Started> {
  const process = new RecordingProcess()
  const stopped = Promise.withResolvers<void>()
  let stops = 0
  let dependencies: StartDependencies | undefined
  const stop = (): Promise<void> => {
    stops++
    return stopped.promise
  }
  const node: RunningNode = { url: 'http://127.0.0.1:8080', endpointId: 'ab12', ractorPort: 26_004, stop }
  await runNode(process.host, CONFIG, process.logger, (_, given) => {
    dependencies = given
    return Promise.resolve(node)
  })
  assert(dependencies !== undefined)
  return { process, dependencies, stopped, stops: () => stops }
}

/** Lets everything that waits for a settled promise run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('runNode: says where the node is to be found once it serves', async () => {
  const { process } = await startNode()
  assert.deepEqual(process.printed, ['aspen-node 4 is ready: http http://127.0.0.1:8080, peers 127.0.0.1:26004, endpoint ab12'])
  assert.deepEqual(process.exits, [])
})

test('runNode: stops the node on a signal and exits 0 when it has stopped', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { process, stopped, stops } = await startNode()
    process.signal(signal)
    await settled()
    assert.deepEqual([stops(), process.exits], [1, []])
    stopped.resolve()
    await settled()
    assert.deepEqual(process.exits, [0])
  }
})

test('runNode: takes a signal that follows at once for the same request', async () => {
  const { process, stops } = await startNode()
  process.signal('SIGTERM')
  process.nowMs += REPEATED_SIGNAL_MS - 1
  process.signal('SIGTERM')
  assert.deepEqual([stops(), process.exits], [1, []])
})

test('runNode: exits at once on a second signal', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { process } = await startNode()
    process.signal('SIGTERM')
    process.nowMs += REPEATED_SIGNAL_MS
    process.signal(signal)
    assert.deepEqual(process.exits, [code])
  }
})

test('runNode: exits 1 when the node does not stop in time, or not cleanly', async () => {
  const late = await startNode()
  late.process.signal('SIGTERM')
  const [timer] = late.process.timers
  assert.equal(timer?.delayMs, STOP_DEADLINE_MS)
  timer.run()
  assert.deepEqual(late.process.exits, [1])

  const broken = await startNode()
  broken.process.signal('SIGTERM')
  broken.stopped.reject(new Error('sync failed'))
  await settled()
  assert.deepEqual(broken.process.exits, [1])
})

test('runNode: exits 70 at once when the node is poisoned or an error goes unhandled', async () => {
  const poisoned = await startNode()
  poisoned.dependencies.onFatal(new Error('fdatasync failed'))
  assert.deepEqual(poisoned.process.exits, [70])
  assert.equal(poisoned.process.logged.at(-1)?.[0], 'fatal')

  const unhandled = await startNode()
  unhandled.process.uncaught('a thrown string')
  assert.deepEqual(unhandled.process.exits, [70])
})

test('runNode: explains a failed start and exits 1', async () => {
  const process = new RecordingProcess()
  await runNode(process.host, CONFIG, process.logger, () => Promise.reject(new Error('the data directory is in use')))
  assert.deepEqual(process.complaints, ['aspen-node 4 did not start: the data directory is in use'])
  assert.deepEqual(process.exits, [1])
  assert.deepEqual(process.printed, [])
})

test('runNode: stops a node that was told to stop while it started', async () => {
  const process = new RecordingProcess()
  const starting = Promise.withResolvers<RunningNode>()
  const running = runNode(process.host, CONFIG, process.logger, () => starting.promise)
  process.signal('SIGTERM')
  let stops = 0
  starting.resolve({ url: '', endpointId: '', ractorPort: 1, stop: () => Promise.resolve(void stops++) })
  await running
  assert.deepEqual([stops, process.exits, process.printed], [1, [0], []])
})

test('runNode: exits 76 when it takes a later program to go on, which a service manager is told not to retry', async () => {
  const later = new LaterVersion('entry 7', 2, 1)
  const running = await startNode()
  running.dependencies.onFatal(new Error('the replica has failed', { cause: later }))
  assert.deepEqual(running.process.exits, [76])
  const refused = new RecordingProcess()
  const cannotOpen = new Error('the log in ./data cannot be opened', { cause: later })
  await runNode(refused.host, CONFIG, refused.logger, () => Promise.reject(cannotOpen))
  assert.deepEqual(refused.exits, [76])
})
