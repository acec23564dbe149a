import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { MAX_NODE_RECORDS } from '../../limits.ts'
import type { KeptNode } from '../../node/index.ts'
import { MetadataFile } from './metadata-file.ts'

const EPOCH = 1_767_225_600_000
let folder = ''
let path = ''

const NODE: KeptNode = {
  endpointId: 'ab'.repeat(32),
  nodeId: 2,
  addresses: ['h:1', '[::1]:2'],
  version: '0.1.0',
  languageVersion: 2,
  state: 'voter',
  firstSeenAt: -5_000,
  seenAt: 700,
  changedAt: -4_000,
}
const UNSEEN: KeptNode = {
  ...NODE,
  endpointId: 'cd'.repeat(32),
  nodeId: 3,
  addresses: [],
  version: null,
  languageVersion: null,
  state: 'left',
  seenAt: null,
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aspen-nodes-'))
  path = join(folder, 'nodes.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const fail = (error: Error): never => assert.fail(error)

test('MetadataFile: finds again what was known; the time between two lives counts, whatever their clocks say', async () => {
  const file = new MetadataFile(path, fail, () => EPOCH)
  assert.deepEqual(file.load(1_000), [])
  file.save(
    () => [NODE, UNSEEN],
    () => 1_000,
  )
  await file.saved()
  assert.deepEqual(readdirSync(folder), ['nodes.json'])
  assert.match(readFileSync(path, 'utf8'), /"lastSeen": "2025-12-31T23:59:59.700Z"/)
  // An hour later, by a clock that stands at 50.
  const shift = 50 - 1_000 - 3_600_000
  const moved = (node: KeptNode): KeptNode => ({
    ...node,
    firstSeenAt: node.firstSeenAt + shift,
    seenAt: node.seenAt === null ? null : node.seenAt + shift,
    changedAt: node.changedAt + shift,
  })
  assert.deepEqual(new MetadataFile(path, fail, () => EPOCH + 3_600_000).load(50), [moved(NODE), moved(UNSEEN)])
})

test('MetadataFile: what is no registry is reported, and begun anew with the next change', async () => {
  const node = JSON.parse(JSON.stringify({ ...NODE, firstSeenAt: undefined, seenAt: undefined, changedAt: undefined })) as object
  const times = { firstSeen: '2026-01-01T00:00:00.000Z', lastSeen: null, changed: '2026-01-01T00:00:00.000Z' }
  const whole = { ...node, ...times }
  const texts: readonly (readonly [unknown, RegExp])[] = [
    ['', /JSON/],
    [[], /an array/],
    [{ version: 2, nodes: [] }, /version is 2/],
    [{ version: 1, nodes: {} }, /nodes is an object/],
    [{ version: 1, nodes: [], more: 1 }, /"more"/],
    [{ version: 1, nodes: Array.from({ length: MAX_NODE_RECORDS + 1 }, () => whole) }, /at most 1000/],
    ...[{ endpointId: 'x' }, { nodeId: 0 }, { addresses: 'h:1' }, { addresses: Array.from({ length: 33 }, () => 'h:1') }].map(
      (part) => [{ version: 1, nodes: [{ ...whole, ...part }] }, /./] as const,
    ),
    ...[
      { version: 5 },
      { version: 'v'.repeat(65) },
      { languageVersion: -1 },
      { state: 'king' },
      { firstSeen: 'soon' },
      { lastSeen: 5 },
    ].map((part) => [{ version: 1, nodes: [{ ...whole, ...part }] }, /./] as const),
  ]
  for (const [content, words] of texts) {
    const errors: Error[] = []
    writeFileSync(path, content === '' ? '' : JSON.stringify(content))
    const file = new MetadataFile(
      path,
      (error) => void errors.push(error),
      () => EPOCH,
    )
    assert.deepEqual(file.load(0), [], JSON.stringify(content))
    assert.equal(errors.length, 1)
    assert.match(errors[0]?.message ?? '', words)
    file.save(
      () => [NODE],
      () => 0,
    )
    await file.saved()
    assert.equal(new MetadataFile(path, fail, () => EPOCH).load(0).length, 1)
  }
})

test('MetadataFile: a write that fails is reported, and nothing else happens', async () => {
  const errors: Error[] = []
  const file = new MetadataFile(join(folder, 'none', 'nodes.json'), (error) => void errors.push(error))
  file.save(
    () => [NODE],
    () => 0,
  )
  await file.saved()
  assert.equal((errors[0] as NodeJS.ErrnoException).code, 'ENOENT')
})
