/** Real nodes in this process, over TLS links on loopback, each in a temporary folder. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { ErrorCode } from '../../src/api/index.ts'
import { AspenNode } from '../../src/cluster/index.ts'
import type { NodeConfig } from '../../src/cluster/index.ts'

const WAIT_MS = 60_000

export interface TestNodes {
  /** Starts node `id` in its folder; a second start finds what the first left. */
  start(id: number, settings?: Partial<NodeConfig>, onFatal?: (error: Error) => void): Promise<AspenNode>
  /** Makes every node known to every other. */
  introduce(...nodes: readonly AspenNode[]): Promise<void>
  directory(id: number): string
}

/** Nodes that are stopped, and folders that are removed, when the test ends. */
export function testNodes(t: TestContext): TestNodes {
  const root = mkdtempSync(join(tmpdir(), 'aspen-test-'))
  const started: AspenNode[] = []
  t.after(async () => {
    await Promise.all(started.map((node) => node.stop()))
    rmSync(root, { recursive: true, force: true })
  })
  const directory = (id: number): string => join(root, `node-${id}`)
  return {
    directory,
    start: async (id, settings = {}, onFatal) => {
      const node = await AspenNode.start(
        {
          nodeId: id,
          dataDir: directory(id),
          cookie: 'test-cookie',
          enableMdns: false,
          ractorPort: 0,
          heartbeatIntervalMs: 100,
          electionTimeoutMinMs: 500,
          electionTimeoutMaxMs: 1000,
          ...settings,
        },
        onFatal === undefined ? {} : { onFatal },
      )
      started.push(node)
      return node
    },
    introduce: async (...nodes) => {
      for (const node of nodes) {
        for (const other of nodes) if (other !== node) await node.addPeer(peerOf(other))
      }
    },
  }
}

export function peerOf(node: AspenNode): { nodeId: number; endpointId: string; addresses: readonly string[] } {
  return { nodeId: node.nodeId, endpointId: node.endpointId, addresses: node.status().addresses }
}

/** Looks until `probe` gives something; fails after a while with `what`. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + WAIT_MS
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) assert.fail(`${what} did not come to pass within ${WAIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A cluster of nodes 1 to 3, all voters. */
export async function formThree(
  nodes: TestNodes,
  settings: Partial<NodeConfig> = {},
): Promise<[AspenNode, AspenNode, AspenNode]> {
  const all = await Promise.all([nodes.start(1, settings), nodes.start(2, settings), nodes.start(3, settings)])
  await nodes.introduce(...all)
  const [first] = all
  await first.init([1])
  await first.addLearner(2)
  await first.addLearner(3)
  await first.changeMembership({ members: [1, 2, 3] })
  return all
}

export async function rejectsWith(code: ErrorCode, action: Promise<unknown>): Promise<AspenError> {
  const error = await action.then(
    () => assert.fail(`it succeeded; ${code} was expected`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AspenError, String(error))
  assert.equal(error.code, code, error.message)
  return error
}

export const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)
