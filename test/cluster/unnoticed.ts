/** A real cluster, what strangers do at its ports, and whether it notices. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { parseAddress } from '../../src/api/index.ts'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, testNodes } from './nodes.ts'
import type { TestNodes } from './nodes.ts'

export interface Cluster {
  readonly nodes: TestNodes
  readonly all: readonly AspenNode[]
  readonly port: number
}

export async function cluster(t: TestContext): Promise<Cluster> {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  await eventually('all are linked', () => all.every((node) => linkedMembers(node) === 2))
  const port = parseAddress(all[0].status().addresses[0] as string)?.port as number
  return { nodes, all, port }
}

function linkedMembers(node: AspenNode): number {
  const {
    peers,
    cluster: { nodes },
  } = node.status()
  return peers.filter(({ connected, endpointId }) => connected && nodes.some((one) => one.endpointId === endpointId)).length
}

/** Has writes go on while something happens: no election, no link between members that is lost, no change of the members. */
export async function unnoticed({ all }: Cluster, attack: () => Promise<void>): Promise<void> {
  const standing = (): unknown =>
    all.map((node) => {
      const {
        term,
        leader,
        cluster: { members },
      } = node.status()
      return { term, leader, members, links: linkedMembers(node) }
    })
  const before = standing()
  let isOver = false
  let written = 0
  const writing = (async (): Promise<void> => {
    for (; !isOver; written++) {
      await all[written % all.length]?.write({ Set: { key: `w${written % 50}`, value: String(written) } })
      assert.deepEqual(standing(), before)
    }
  })()
  const failed = writing.then(() => assert.fail('the writing ended early'))
  failed.catch(() => undefined)
  try {
    await Promise.race([attack(), failed])
    const soFar = written
    await Promise.race([eventually('writes go on', () => written > soFar + 20), failed])
  } finally {
    isOver = true
  }
  await writing
}

/** Open TCP connections; those that the node cuts are gone. */
export async function crowd(
  t: TestContext,
  port: number,
  count: number,
  say: (socket: Socket) => void,
): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connectTcp({ host: '127.0.0.1', port }).on('error', () => undefined))
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  await Promise.all(
    sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)),
  )
  sockets.forEach((socket) => say(socket))
  return sockets
}
