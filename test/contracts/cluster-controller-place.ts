/** Where the contract of the cluster controller finds its clusters, and what it may expect of them. */
import assert from 'node:assert/strict'
import type { AddPeerRequest, ClusterController, ClusterState, KeyValueStore } from '../../src/api/index.ts'

/** Node 1, of no cluster at first. */
export interface OpenedController {
  readonly controller: ClusterController
  /** The store that the node serves. */
  readonly store: KeyValueStore
  readonly self: AddPeerRequest
  /** Another node, which runs and belongs to no cluster; node 1 does not know it yet. */
  another(nodeId: number): Promise<AddPeerRequest>
  /** Another node that is a cluster of its own already. */
  stranger(nodeId: number): Promise<AddPeerRequest>
  /** Ends the node that `another` gave. */
  end(peer: AddPeerRequest): Promise<void>
  /** Resolves when node 1 has found this peer, or has found that it is not to be had. */
  met(peer: AddPeerRequest): Promise<void>
}

export interface ControllerPlace {
  open(): Promise<OpenedController>
  dispose(): Promise<void>
}

export interface ControllerTraits {
  /**
   * Whether a peer must be there to become a member. Where peers are only said to exist, every one counts as linked, caught up
   * and without a cluster of its own.
   */
  readonly peers: 'live' | 'said'
}

export type WithController = (use: (opened: OpenedController) => Promise<void>) => () => Promise<void>

/** Node 1 as a cluster of its own. */
export async function found({ controller }: OpenedController): Promise<ClusterState> {
  return controller.init([1])
}

/** Another node, known and linked to node 1. */
export async function acquaint(opened: OpenedController, nodeId: number): Promise<AddPeerRequest> {
  const peer = await opened.another(nodeId)
  await opened.controller.addPeer(peer)
  await opened.met(peer)
  return peer
}

/** Members, learners, and the ids of everyone. */
export function idsOf({ members, learners, nodes }: ClusterState): readonly (readonly number[])[] {
  return [members, learners, nodes.map(({ id }) => id)]
}

/** What the answer of a change says is what the node says from then on. */
export async function assertState(
  { controller }: OpenedController,
  answer: ClusterState,
  ids: readonly (readonly number[])[],
): Promise<void> {
  assert.deepEqual(idsOf(answer), ids)
  assert.deepEqual(await controller.clusterState(), answer)
}
