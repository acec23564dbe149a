/** How a member that refuses to start, or has lost its disk, comes back: under a new key, with all it had fetched from its peers. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AspenError, LOST_DISK_ADVICE } from '../../api/index.ts'
import type { ClusterNode } from '../../api/index.ts'
import { LaterVersion } from '../../commands/index.ts'
import { StateBusy } from '../../ports/index.ts'
import type { Logger } from '../../ports/index.ts'
import { assertRecoverable } from '../../replica/index.ts'
import { AspenNode } from '../aspen-node.ts'
import type { NodeConfig } from '../config/index.ts'
import { closeStores } from '../../node/index.ts'
import type { RaftStores } from '../../node/index.ts'
import { isDescriptorShortage } from '../../storage/index.ts'
import { openDurableHome } from '../stores/index.ts'
import { idList, memberOf, RejoinCluster } from './rejoin-cluster.ts'
import type { ClusterView, RejoinVia } from './rejoin-cluster.ts'
import { RejoinDirectory } from './rejoin-directory.ts'
import { RejoinError } from '../identity/index.ts'
import { readFoundingRecord, removeRejoinRecord } from '../identity/index.ts'
import type { RejoinRecord } from '../identity/index.ts'
import { rejoinCluster } from './rejoin-steps.ts'

export interface RejoinOptions {
  readonly config: NodeConfig
  readonly via: readonly RejoinVia[]
  /** Replaces the data even when nothing is found wrong with it. */
  readonly evenIfSound: boolean
  readonly logger: Logger
  /** Tells a person how far it is. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Brings the node back. Refuses before anything is changed where it can; after that, running it again goes on.
 * @throws RejoinError in words for people; the error of stores and links
 */
export async function rejoin(options: RejoinOptions): Promise<void> {
  const { config, logger, say, signal } = options
  if (config.storageBackend === 'InMemory') {
    throw new RejoinError(
      `node ${config.nodeId} keeps nothing on disk: start it, remove the old member with POST /change-membership, and add it with POST /add-learner. Nothing was changed`,
    )
  }
  const cluster = new RejoinCluster(options.via)
  const record = await prepare(options, cluster)
  const fatal = new AbortController()
  const node = await AspenNode.start(config, { logger: withoutLostDisk(logger), onFatal: (error) => fatal.abort(error) })
  try {
    await rejoinCluster({ node, record, cluster, say, signal: AbortSignal.any([signal, fatal.signal]) })
    removeRejoinRecord(config.dataDir)
  } finally {
    await node.stop()
  }
  conclude(options, record, node.endpointId)
}

/** The members still look for the old key, and say so: what to do about that is being done. */
function withoutLostDisk(logger: Logger): Logger {
  return {
    log: (level, message, facts, same) => {
      if (!message.includes(LOST_DISK_ADVICE)) logger.log(level, message, facts, same)
    },
  }
}

/** Everything that can be refused before anything is changed, and then the old data out of the way. */
async function prepare(options: RejoinOptions, cluster: RejoinCluster): Promise<RejoinRecord> {
  const { config, say } = options
  const wasThere = existsSync(config.dataDir)
  let directory = new RejoinDirectory(config.dataDir)
  /** The stores take the lock of the directory themselves. */
  const refusalOfStores = async (): Promise<string | undefined> => {
    directory.release()
    try {
      return await refusalOf(config)
    } finally {
      directory = new RejoinDirectory(config.dataDir)
    }
  }
  try {
    if (readFoundingRecord(directory.path) !== undefined)
      throw new RejoinError(
        `a cluster is being founded anew in ${directory.path}: run the command that does it (aspen-node recover, aspen-node restore) again. Nothing was changed`,
      )
    const known = directory.record()
    if (known !== undefined) {
      const refusal = directory.isNew(known) ? await refusalOfStores() : undefined
      if (refusal === undefined) {
        say('an earlier run did not finish: going on where it stopped')
        return directory.setAside(known)
      }
      say('an earlier run did not finish, and what it has brought back is refused: beginning anew')
    }
    const view = await decidingView(cluster, config.nodeId)
    const { cluster: state, leader } = view
    const member = known === undefined ? replaceable(view, config.nodeId) : removable(view, config.nodeId, known)
    await cluster.assertGone(member)
    say(`a quorum answers without node ${config.nodeId}; node ${leader} leads, voters ${idList(state.members)}`)
    if (known !== undefined) return setAside(options, directory, directory.begin(known.role, member.endpointId))
    if (assertSameMember(directory, member, view.via.url)) assertRefused(options, await refusalOfStores())
    const role = state.members.includes(config.nodeId) ? 'voter' : 'learner'
    return setAside(options, directory, directory.begin(role, member.endpointId))
  } finally {
    directory.release()
    if (!wasThere) directory.removeBare()
  }
}

function setAside({ say }: RejoinOptions, directory: RejoinDirectory, record: RejoinRecord): RejoinRecord {
  const done = directory.setAside(record)
  const { asideFolder } = record
  if (asideFolder === null) say(`the data directory ${directory.path} is empty: taken for a disk that was lost`)
  else say(`what was in the data directory is kept in ${join(directory.path, asideFolder)}`)
  return done
}

async function decidingView(cluster: RejoinCluster, nodeId: number): Promise<ClusterView> {
  try {
    return await cluster.view()
  } catch (error) {
    if (!(error instanceof AspenError)) throw error
    throw new RejoinError(
      `no member in reach can decide anything (${error.message}). A member is replaced by a majority of the voters, and node ${nodeId} is none ` +
        `of it: check --via, and bring other nodes back first. Nothing was changed`,
      { cause: error },
    )
  }
}

/** The member to replace. @throws RejoinError when there is none, or nobody to fetch from */
function replaceable({ cluster, via }: ClusterView, id: number): ClusterNode {
  const member = memberOf(cluster, id)
  if (member === undefined) {
    throw new RejoinError(
      `node ${id} is no member of the cluster at ${via.url} (voters ${idList(cluster.members)}, learners ${idList(cluster.learners)}). ` +
        `To add a new node, start it with an empty data directory and --peers, then POST /add-learner and POST /change-membership ` +
        `to a member. Nothing was changed`,
    )
  }
  if (cluster.members.some((voter) => voter !== id)) return member
  throw new RejoinError(`node ${id} is the only voter: nobody else has its data. Restore it from a backup. Nothing was changed`)
}

/** The member that an earlier run was to replace, or has removed already: what that run has brought may be of a key that nobody ever knew. */
function removable({ cluster }: ClusterView, id: number, { oldEndpointId }: RejoinRecord): ClusterNode {
  return memberOf(cluster, id) ?? { id, endpointId: oldEndpointId, addresses: [] }
}

/** Whether the directory holds a node, which is then the member. @throws RejoinError when it is another */
function assertSameMember(directory: RejoinDirectory, { id, endpointId }: ClusterNode, url: string): boolean {
  const content = directory.content()
  if (content.kind === 'empty') return false
  if (content.endpointId === null || content.endpointId === endpointId) return true
  throw new RejoinError(
    `${directory.path} holds the key ${content.endpointId}, and the cluster at ${url} knows node ${id} by the key ${endpointId}: this is ` +
      `another cluster, or node ${id} was replaced since. Check --via and --data-dir; if both are right, move the data directory ` +
      `away and run the command again. Nothing was changed`,
  )
}

/** Why the node would not start on what it has; undefined when it would. @throws RejoinError when a later program would, or later this one */
async function refusalOf({ dataDir, nodeId }: NodeConfig): Promise<string | undefined> {
  try {
    const home = openDurableHome(dataDir, nodeId)
    try {
      const stores = home.openStores()
      try {
        assertRecoverable(stores.log, stores.stateMachine, stores.snapshots)
      } finally {
        await closed(stores)
      }
    } finally {
      home.release()
    }
    return undefined
  } catch (error) {
    // Nothing is wrong with what is only held by another process, or what a later program goes on from.
    if (isDescriptorShortage(error))
      throw new RejoinError(
        `${(error as Error).message}: run the command again when there are file descriptors. Nothing was changed`,
      )
    if (error instanceof StateBusy)
      throw new RejoinError(
        `another process holds a lock on ${error.file}: end it, and run the command again. Nothing was changed`,
      )
    if (error instanceof LaterVersion)
      throw new RejoinError(`${error.message}. The node starts on what it has then. Nothing was changed`)
    return (error as Error).message
  }
}

function closed(stores: RaftStores): Promise<void> {
  return new Promise((resolve, reject) => {
    closeStores(stores, (error) => (error === undefined ? resolve() : reject(error)))
  })
}

/** @throws RejoinError when the node would start on what it has */
function assertRefused({ config, evenIfSound, say }: RejoinOptions, refusal: string | undefined): void {
  if (refusal !== undefined) return say(`what the node has is refused: ${refusal}`)
  if (evenIfSound) return
  throw new RejoinError(
    `nothing is found wrong with ${config.dataDir}: start the node as usual. What it has is replaced all the same with --even-if-sound: when it has ended because ` +
      'it had forgotten what it promised and its log could not be marked, or is of another cluster than the members at --via. Nothing was changed',
  )
}

function conclude({ config, say }: RejoinOptions, { role, asideFolder, oldEndpointId }: RejoinRecord, endpointId: string): void {
  const { nodeId, dataDir } = config
  say(`done: node ${nodeId} is a ${role} again and has everything. Start it as usual`)
  say(`where --peers of other nodes name ${nodeId}@${oldEndpointId}, write ${endpointId} before their next restart`)
  if (asideFolder !== null) say(`delete ${join(dataDir, asideFolder)} when it has been looked at`)
}
