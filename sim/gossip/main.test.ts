import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GossipFailure } from './gossip-run.ts'
import type { GossipReport } from './gossip-run.ts'
import { main } from './main.ts'

const REPORT: GossipReport = { nodes: 3, lies: ['forge'], mutualMs: 250, movedMs: 1, mergedMs: 2, restBytes: 99.5, events: 7 }

function run(...args: readonly string[]): {
  readonly code: number
  readonly lines: readonly string[]
  readonly seeds: readonly number[]
} {
  const lines: string[] = []
  const seeds: number[] = []
  const code = main(
    args,
    (line) => lines.push(line),
    ({ seed, nodes }) => {
      seeds.push(seed)
      if (seed === 13) throw new GossipFailure(`not so, with ${nodes ?? 'some'} nodes`)
      return REPORT
    },
  )
  return { code, lines, seeds }
}

test('sim:gossip: runs the seeds that it is given, and says how to run one again that fails', () => {
  const clean = run('--seed', '3', '--seeds', '2')
  assert.deepEqual([clean.code, clean.seeds], [0, [3, 4]])
  assert.equal(clean.lines[0], 'seed 3: 3 nodes, liars: forge; known in 250 ms, moved 1, merged 2; 100 B/s')
  const failed = run('--seed', '12', '--seeds', '9', '--nodes', '5')
  assert.deepEqual([failed.code, failed.seeds], [1, [12, 13]])
  assert.deepEqual(failed.lines.slice(1), ['seed 13: not so, with 5 nodes', 'again: npm run sim:gossip -- --seed 13 --nodes 5'])
})

test('sim:gossip: wrong usage is 2, with what it takes', () => {
  for (const args of [
    [],
    ['--seed'],
    ['--seed', 'x'],
    ['--seed', '1', '--seeds', '0'],
    ['--seed', '1', '--nodes', '1'],
    ['--other'],
  ]) {
    const { code, lines, seeds } = run(...args)
    assert.deepEqual([code, seeds], [2, []])
    assert.match(lines[0] ?? '', /^Usage: npm run sim:gossip/)
  }
  assert.equal(run('--help').code, 0)
})
