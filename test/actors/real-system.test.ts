import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ActorSystem, defineActor } from '../../src/actors/index.ts'

const greeter = defineActor({
  start: () => ({
    greet: (name: string) => `hello ${name}`,
    fail: (): never => {
      throw new Error('broken')
    },
  }),
})

test('ActorSystem: works without arguments, on the real clock', async () => {
  const system = new ActorSystem()
  const ref = system.spawn(greeter)
  assert.equal(await ref.call('greet', 'world'), 'hello world')
  await system.stop()
  await assert.rejects(ref.call('greet', 'world'), { code: 'DOWN' })
})

test('ActorSystem: what is given is used, and what is undefined is not', async () => {
  const events: string[] = []
  const system = new ActorSystem({
    report: ({ event }) => events.push(event),
    ...({ clock: undefined, random: undefined } as object),
  })
  const ref = system.spawn(greeter)
  await assert.rejects(ref.call('fail'), { code: 'CRASHED' })
  await system.stop()
  assert.deepEqual(events, ['started', 'failed'])
})

/** Runs a program with this Node, and gives what it printed. */
function run(program: string): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  const entry = JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/actors/index.ts')).href)
  const source = `import { ActorSystem, defineActor } from ${entry}\n${program}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 60_000 })
}

test('ActorSystem: failures are printed, and a process ends when its actors have nothing to do', () => {
  const started = performance.now()
  const { stdout, stderr, status } = run(`
const system = new ActorSystem()
const ref = system.spawn(defineActor({ start: () => ({ fail: () => { throw new Error('broken') }, echo: (what) => what }) }), { name: 'w', restart: 'temporary' })
const other = system.spawn(defineActor({ start: () => ({ echo: (what) => what }) }))
ref.cast('fail')
console.log(await other.call('echo', 'x', { timeoutMs: 600_000 }))
console.log(await other.call('echo', 'y', { timeoutMs: 600_000 }))
`)
  assert.deepEqual([status, stdout], [0, 'x\ny\n'])
  assert.match(stderr, /^actor \/w: given-up: Error: broken/)
  assert.ok(performance.now() - started < 50_000, 'it waits for the deadline of a call that was answered')
  const failing = run(`
const system = new ActorSystem()
system.spawn(defineActor({ start: () => { throw new Error('no start') } }), { name: 'w' })
setImmediate(() => setImmediate(() => system.stop()))
`)
  assert.equal(failing.status, 0)
  assert.match(failing.stderr, /^actor \/w: failed, starts again in 1000 ms: Error: no start/)
})

test('ActorSystem: a call that is waited for keeps the process alive until its deadline', () => {
  const { stdout } = run(`
const system = new ActorSystem()
const ref = system.spawn(defineActor({ start: () => ({ hang: () => new Promise(() => undefined), echo: (what) => what }) }))
const other = system.spawn(defineActor({ start: () => ({ echo: (what) => what }) }))
await other.call('echo', 'x', { timeoutMs: 200 })
await ref.call('hang', undefined, { timeoutMs: 200 }).catch((error) => console.log(error.code))
`)
  assert.equal(stdout, 'DEADLINE_EXCEEDED\n')
})
