/** Random sequences of requests: a node of one and the in-memory cluster answer every one of them alike. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { AspenError } from '../../src/api/index.ts'
import type { KeyValue, KeyValueStore, OperationResult, ScanRequest, WriteResult } from '../../src/api/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { requestOf, requests } from './key-value-store-requests.ts'
import type { Request } from './key-value-store-requests.ts'
import { NodePlace } from './node-places.ts'
import { volume } from '../volume.ts'

const nodes = new NodePlace()
let node: KeyValueStore
before(async () => {
  const started = await nodes.start(1)
  await started.init([1])
  node = started
})
after(() => nodes.dispose())

/** A store in which other runs have been: keys begin with `prefix`, and revisions are counted from `base`. */
interface Run {
  readonly store: KeyValueStore
  readonly prefix: string
  readonly base: number
  readonly baseIndex: number
}

async function begin(store: KeyValueStore, prefix: string): Promise<Run> {
  const { logId, revision } = await store.write({ Set: { key: `${prefix}begin`, value: '' } }, { revision: true })
  return { store, prefix, base: revision ?? assert.fail('it has no revision'), baseIndex: logId.index }
}

function plainEntry(entry: KeyValue | null | undefined, { base }: Run): unknown {
  if (entry === null || entry === undefined) return null
  const { key, value, createRevision, modRevision, version } = entry
  const [keyHex, valueHex] = [key, value].map((bytes) => Buffer.from(bytes).toString('hex'))
  return { key: keyHex, value: valueHex, created: createRevision - base, modified: modRevision - base, version }
}

function plainResult(result: OperationResult, run: Run): unknown {
  return result.type === 'get' ? { type: 'get', entry: plainEntry(result.entry, run) } : result
}

function plainWrite({ logId, revision, txn }: WriteResult, run: Run): unknown {
  const index = logId.index - run.baseIndex
  if (txn === undefined) return { index }
  return {
    index,
    revision: (revision ?? 0) - run.base,
    succeeded: txn.succeeded,
    results: txn.results.map((result) => plainResult(result, run)),
  }
}

/** Every page, by following the tokens. */
async function scanAll(run: Run, request: ScanRequest): Promise<unknown> {
  const pages: unknown[] = []
  let token: string | null = null
  do {
    const page: Awaited<ReturnType<KeyValueStore['scan']>> = await run.store.scan(
      token === null ? request : { ...request, token },
    )
    pages.push({ entries: page.entries.map((entry) => plainEntry(entry, run)), token: page.token })
    token = page.token
  } while (token !== null)
  return pages
}

async function perform(run: Run, request: Request): Promise<unknown> {
  const asked = requestOf(request, run)
  if (asked.type === 'read') return plainEntry(await run.store.read(asked.key), run)
  if (asked.type === 'scan') return scanAll(run, asked.request)
  const options = asked.origin === null ? {} : { origin: asked.origin }
  return plainWrite(await run.store.write(asked.command, options), run)
}

/** What the request gives, or what it is refused with. */
async function answerOf(run: Run, request: Request): Promise<unknown> {
  try {
    return await perform(run, request)
  } catch (error) {
    if (!(error instanceof AspenError)) throw error
    const { revision, ...details } = error.details
    const since = typeof revision === 'number' ? { revision: revision - run.base } : {}
    return { refused: error.code, details: { ...details, ...since } }
  }
}

test('KeyValueStore: random requests, one after the other, are answered alike by a node and in memory', async () => {
  let runs = 0
  const property = fc.asyncProperty(fc.array(requests, { maxLength: 60, size: 'max' }), async (sequence) => {
    const prefix = `${++runs}/`
    const real = await begin(node, prefix)
    const inMemory = await begin(new InMemoryCluster({ initialized: true }), prefix)
    for (const request of sequence) assert.deepEqual(await answerOf(inMemory, request), await answerOf(real, request))
    const everything: Request = { type: 'scan', by: 'prefix', from: null, to: null, limit: 3 }
    assert.deepEqual(await answerOf(inMemory, everything), await answerOf(real, everything))
  })
  await fc.assert(property, { numRuns: volume(150, 50) })
})

test('KeyValueStore: random requests, all sent at once, are answered alike by a node and in memory', async () => {
  let runs = 0
  const writes = requests.filter(({ type }) => type === 'write')
  const property = fc.asyncProperty(fc.array(writes, { maxLength: 60, size: 'max' }), async (sequence) => {
    const prefix = `at once ${++runs}/`
    const real = await begin(node, prefix)
    const inMemory = await begin(new InMemoryCluster({ initialized: true }), prefix)
    // One caller's writes take their places in the order in which they were sent.
    const [answers, expected] = await Promise.all(
      [inMemory, real].map((run) => Promise.all(sequence.map((request) => answerOf(run, request)))),
    )
    assert.deepEqual(answers, expected)
    const everything: Request = { type: 'scan', by: 'prefix', from: null, to: null, limit: 1000 }
    assert.deepEqual(await answerOf(inMemory, everything), await answerOf(real, everything))
  })
  await fc.assert(property, { numRuns: volume(50, 20) })
})
