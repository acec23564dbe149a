/** How links move between paths that change under load, in virtual time, from seeds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBetween } from '../../src/lib/index.ts'
import { volume } from '../volume.ts'
import { DIRECT_ONLY, PathWorld } from './path-world.ts'
import type { SimNode } from './path-world.ts'
import type { SimPath } from './sim-path.ts'

const SEEDS = volume(60, 4)
/** After which both are back on the direct path: a probe is made within half a minute, and is steady for 10 s. */
const BACK_MS = 60_000
/** The longest that an attempt takes. */
const DIAL_MS = 6_000

async function startTwo(seed: number, fallbackAtStart = true): Promise<[PathWorld, SimNode, SimNode]> {
  const world = new PathWorld(seed)
  const [a, b] = [await world.start('a', fallbackAtStart), await world.start('b', fallbackAtStart)]
  world.introduce()
  await world.pass(500)
  return [world, a, b]
}

function assertNever(node: SimNode, ...events: readonly string[]): void {
  for (const event of events) assert.ok(!node.history.includes(event), `node ${node.name} heard ${node.history.join(', ')}`)
}

/** Both see the same link, it works both ways, and it is the direct one. */
async function assertBack(world: PathWorld, ...nodes: readonly SimNode[]): Promise<void> {
  // What was begun while a path was silent may still move the link away.
  await world.pass(DIAL_MS)
  for (let waited = 0; waited < BACK_MS && !nodes.every((node) => world.pathOf(node) === 'direct'); waited += 1_000)
    await world.pass(1_000)
  const before = nodes.map((node) => node.received())
  await world.pass(1_000)
  for (const [i, node] of nodes.entries()) {
    assert.equal(world.pathOf(node), 'direct', node.history.join(', '))
    assert.ok(node.received() > (before[i] as number), `node ${node.name} hears nothing`)
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`PathsTransport: a path that falls silent costs no link while another one works (seed ${seed})`, async () => {
    const [world, a, b] = await startTwo(seed)
    const paths: readonly [SimPath, SimPath] = [world.direct, world.iroh]
    for (let round = 0; round < 4; round++) {
      const path = paths[randomBetween(world.random, 0, 1)] as SimPath
      path.stall(true)
      await world.pass(randomBetween(world.random, 100, 4_000))
      path.stall(false)
      // A move that is under way is over before the other path changes.
      await world.pass(randomBetween(world.random, 2_000, 20_000))
    }
    await assertBack(world, a, b)
    for (const node of [a, b]) assertNever(node, 'lost', 'refused', 'graceful')
    await world.close()
  })

  test(`PathsTransport: whatever happens to paths, nothing overtakes or comes twice, and the link comes back (seed ${seed})`, async () => {
    const [world, a, b] = await startTwo(seed)
    const paths: readonly [SimPath, SimPath] = [world.direct, world.iroh]
    for (let round = 0; round < 25; round++) {
      const path = paths[randomBetween(world.random, 0, 1)] as SimPath
      const kind = randomBetween(world.random, 0, 3)
      if (kind === 0) path.reset()
      else path.stall(kind === 1)
      await world.pass(randomBetween(world.random, 5, 1_500))
    }
    for (const path of paths) path.stall(false)
    await assertBack(world, a, b)
    for (const node of [a, b]) assertNever(node, 'refused')
    await world.close()
  })
}

test('PathsTransport: goes to the other path before the peer is given up, and back after ten steady seconds', async () => {
  const [world, a, b] = await startTwo(1)
  assert.deepEqual([world.pathOf(a), world.pathOf(b)], ['direct', 'direct'])
  world.direct.stall(true)
  await world.pass(2_000)
  assert.deepEqual([world.pathOf(a), world.pathOf(b)], ['iroh-direct', 'iroh-direct'])
  for (const node of [a, b]) assert.deepEqual(node.history, ['opened', 'moved', 'opened'])
  world.direct.stall(false)
  await world.pass(9_000)
  assert.deepEqual([world.pathOf(a), world.pathOf(b)], ['iroh-direct', 'iroh-direct'], 'not steady for long enough')
  await assertBack(world, a, b)
  for (const node of [a, b]) assert.deepEqual(node.history, ['opened', 'moved', 'opened', 'moved', 'opened'])
  await world.close()
})

test('PathsTransport: does not go back to a path whose pings come and go', async () => {
  const [world, a, b] = await startTwo(2)
  world.direct.stall(true)
  await world.pass(3_000)
  for (let i = 0; i < 8; i++) {
    world.direct.stall(false)
    await world.pass(5_000)
    // Not for so long that the connection of the probe is given up.
    world.direct.stall(true)
    await world.pass(800)
  }
  for (const node of [a, b]) assert.deepEqual(node.history, ['opened', 'moved', 'opened'])
  await world.close()
})

test('PathsTransport: either end may move the link, whichever has dialled it', async () => {
  for (const [dialler, mover] of ['aa', 'ab', 'ba', 'bb'].map(([x, y]) => [x, y])) {
    const world = new PathWorld(6)
    const [a, b] = [await world.start('a'), await world.start('b')]
    const other = (name: string | undefined): SimNode => (name === 'a' ? b : a)
    world.introduce(DIRECT_ONLY, (from) => from.name === dialler)
    await world.pass(500)
    // Whoever does not dial now holds the link that the other one has made.
    world.introduce(DIRECT_ONLY, (from) => from === other(mover))
    world.introduce(undefined, (from) => from.name === mover)
    world.direct.stall(true)
    await world.pass(3_000)
    for (const node of [a, b]) assert.deepEqual(node.history, ['opened', 'moved', 'opened'], `${dialler} dials, ${mover} moves`)
    await world.close()
  }
})

test('PathsTransport: says that a link is lost when the one that was to take its place is not made either', async () => {
  const world = new PathWorld(7)
  const [a, b] = [await world.start('a'), await world.start('b')]
  world.introduce(DIRECT_ONLY)
  await world.pass(500)
  world.introduce(undefined, (from) => from === a)
  world.direct.stall(true)
  // A call, a hello, and one that answers it: what leaves now is the proof.
  while (world.iroh.delivered < 3) await world.pass(5)
  world.iroh.stall(true)
  world.direct.reset()
  await world.pass(500)
  assert.deepEqual(a.history, ['opened'], 'the other end may have the new link')
  await world.pass(1_000)
  assert.deepEqual(a.history, ['opened', 'lost'])
  for (const path of [world.direct, world.iroh]) path.stall(false)
  await assertBack(world, a, b)
  await world.close()
})

test('PathsTransport: a crash is hinted at by the direct path, and by that alone', async () => {
  for (const over of ['direct', 'iroh'] as const) {
    const [world, a, b] = await startTwo(3)
    if (over === 'iroh') {
      world.direct.stall(true)
      await world.pass(3_000)
      world.direct.reset()
      world.direct.stall(false)
    }
    const before = a.history.length
    for (const path of [world.direct, world.iroh]) path.crash(b.id)
    await world.pass(5_000)
    assert.deepEqual(a.history.slice(before), over === 'direct' ? ['lost', 'refused'] : ['lost'], over)
    await world.close()
  }
})

test('PathsTransport: a peer that is not reached directly is linked over the other path, which is started for it', async () => {
  const world = new PathWorld(4)
  world.direct.stall(true)
  const [a, b] = [await world.start('a', false), await world.start('b', false)]
  world.introduce()
  await world.pass(40_000)
  assert.deepEqual([world.pathOf(a), world.pathOf(b)], ['iroh-direct', 'iroh-direct'])
  world.direct.stall(false)
  await assertBack(world, a, b)
  await world.close()
})

test('PathsTransport: where the direct path works, the other one is not started', async () => {
  const [world, a, b] = await startTwo(5, false)
  world.direct.reset()
  await world.pass(20_000)
  world.direct.crash(b.id)
  await world.pass(20_000)
  assert.equal(world.iroh.listeners, 0)
  assertNever(a, 'moved')
  await world.close()
})
