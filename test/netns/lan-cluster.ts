/** Nodes on hosts of a network as a cluster, by what they say of themselves. */
import assert from 'node:assert/strict'
import { eventually } from './lan.ts'
import type { HostNode } from './lan.ts'

export interface PeerRow {
  readonly endpoint_id: string
  readonly node_id: number | null
  readonly state: string
  readonly addresses: readonly string[]
  readonly sources: readonly { readonly source: string; readonly addresses: readonly string[] }[]
}

export async function peersOf(node: HostNode): Promise<readonly PeerRow[]> {
  const { body } = await node.get('/peers')
  return (body as { readonly peers: readonly PeerRow[] }).peers
}

/** Ids of the nodes that it is linked with, in order. */
export async function linkedWith(node: HostNode): Promise<readonly number[]> {
  const rows = await peersOf(node)
  return rows.flatMap(({ state, node_id: id }) => (state === 'connected' && id !== null ? [id] : [])).toSorted((a, b) => a - b)
}

export async function endpointOf(node: HostNode): Promise<string> {
  const { body } = await node.get('/node-info')
  return (body as { readonly endpoint_id: string }).endpoint_id
}

/** The term and the leader, as one node sees them. */
export async function leadOf(node: HostNode): Promise<{ readonly term: number; readonly leader: number | null }> {
  const { body } = await node.get('/raft-metrics')
  const { term, leader } = body as { readonly term: number; readonly leader: number | null }
  return { term, leader }
}

/** Each is linked with all others. */
export async function meshed(nodes: readonly HostNode[]): Promise<boolean> {
  const ids = nodes.map(({ nodeId }) => nodeId)
  const isLinked = async (node: HostNode): Promise<boolean> => {
    const linked = await linkedWith(node)
    return ids.every((other) => other === node.nodeId || linked.includes(other))
  }
  const all = await Promise.all(nodes.map((node) => isLinked(node).catch(() => false)))
  return !all.includes(false)
}

/** The quick start: asked at the first node, the others become voters as they were heard of. */
export async function form(nodes: readonly HostNode[]): Promise<void> {
  const [first, ...others] = nodes as readonly [HostNode, ...HostNode[]]
  await Promise.all(nodes.map((node) => node.ready()))
  const steps = [
    ['/init', { members: [first.nodeId] }],
    ...others.map(({ nodeId }) => ['/add-learner', { node_id: nodeId }] as const),
    ['/change-membership', { members: nodes.map(({ nodeId }) => nodeId) }],
  ] as const
  for (const [path, body] of steps) {
    const answer = await first.post(path, body)
    assert.equal(answer.status, 200, `POST ${path} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`)
  }
}

export async function write(node: HostNode, key: string): Promise<boolean> {
  const answer = await node.post('/write', { command: { Set: { key, value: key } } }).catch(() => null)
  return answer?.status === 200
}

export async function reads(node: HostNode, key: string): Promise<boolean> {
  const answer = await node.post('/read', { key }).catch(() => null)
  return (answer?.body as { readonly value?: string } | undefined)?.value === key
}

/** It has the key, sooner or later. */
export function has(node: HostNode, key: string): Promise<unknown> {
  return eventually(`node ${node.nodeId} reads ${key}`, async () => reads(node, key))
}

/** A write succeeds there, sooner or later. */
export function writes(node: HostNode, key: string): Promise<unknown> {
  return eventually(`node ${node.nodeId} writes ${key}`, async () => write(node, key))
}
