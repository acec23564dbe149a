/**
 * The way out when the majority of a cluster is gone for good: a new cluster, of this node alone, from what is on its disk. It is no repair of the
 * old one, whose members are refused from then on: what they acknowledged without this node is lost.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeConfig } from '../config/index.ts'
import { FoundingError } from '../identity/index.ts'
import { foundAnew } from './found-anew.ts'
import { FoundingDirectory } from './founding-directory.ts'
import { runningMembers } from './running-members.ts'
import { readSurvivor, wantsRoom } from './survivor.ts'
import type { ReadSurvivor, Survivor } from './survivor.ts'

export interface RecoverOptions {
  readonly config: Pick<NodeConfig, 'dataDir' | 'nodeId' | 'storageBackend' | 'peers'>
  /** Also where members run that belong to the old cluster. */
  readonly evenIfOthersRun: boolean
  /** Also from one that did not vote. */
  readonly evenALearner: boolean
  /** Hears what was found, and what may be lost; nothing is changed unless it gives the id of the old cluster. */
  readonly confirm: (survivor: Survivor) => Promise<string | null>
  readonly drawClusterId: () => string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Tells a person how far it is. */
  readonly say: (line: string) => void
  /** Called ahead of every change of what is on the disk; what it throws interrupts a test's run there. */
  readonly before?: (change: string) => void
}

/**
 * Refuses before anything is changed where it can; after that, running it again goes on.
 * @throws FoundingError in words for people; the error of the file system
 */
export async function recover(options: RecoverOptions): Promise<void> {
  const { config, say } = options
  if (config.storageBackend === 'InMemory')
    throw new FoundingError('a node that keeps nothing on disk has nothing to recover from. Nothing was changed')
  if (!existsSync(config.dataDir)) throw new FoundingError(`there is no data directory ${config.dataDir}. Nothing was changed`)
  const directory = new FoundingDirectory(config.dataDir, options.before)
  try {
    const record = directory.record()
    if (record !== undefined) {
      say('an earlier run did not finish: going on where it stopped')
      return conclude(options, directory, record.clusterId, directory.finish(record))
    }
    await recoverIn(options, directory)
  } finally {
    directory.release()
  }
}

async function recoverIn(options: RecoverOptions, directory: FoundingDirectory): Promise<void> {
  const { config, confirm, drawClusterId, now, say } = options
  if (!directory.holdsNode)
    throw new FoundingError(`${directory.path} holds no node: give --data-dir of the survivor. Nothing was changed`)
  directory.clear()
  try {
    const found = await readSurvivor(directory.path, directory.copyFolder, config.nodeId)
    await assertLost(options, directory, found)
    const { clusterId: old } = found.survivor
    const confirmed = await confirm(found.survivor)
    if (confirmed === null) throw new FoundingError('not confirmed: nothing was changed')
    if (confirmed !== old)
      throw new FoundingError(`"${confirmed}" is not the id of the cluster, which is ${old}: nothing was changed`)
    const clusterId = drawClusterId()
    const founded = foundAnew(directory.newFolder, found.path, {
      nodeId: config.nodeId,
      clusterId,
      how: 'recover',
      foundedAt: now(),
    })
    if (founded.source.id !== found.snapshot.id)
      throw new FoundingError('the state changed on the disk while it was read. Nothing was changed')
    say(`the new cluster is ${clusterId}, and the new key of node ${config.nodeId} is ${founded.endpointId}`)
    conclude(options, directory, clusterId, directory.install(clusterId))
  } catch (error) {
    // What there is a record of is gone on with.
    if (directory.record() !== undefined) throw error
    directory.clear()
    if (error instanceof FoundingError || !wantsRoom(error)) throw error
    throw new FoundingError(
      `${directory.path} has no room for a copy of the node and for its state once more (${(error as Error).message}): free space on its volume. Nothing was changed`,
      { cause: error },
    )
  }
}

/** @throws FoundingError when there is another way, or it is not this node's to go */
async function assertLost(options: RecoverOptions, { path }: FoundingDirectory, { survivor }: ReadSurvivor): Promise<void> {
  const { nodeId, peers } = options.config
  const { voters, outgoing, members } = survivor.membership
  const deciding = new Set([...voters, ...outgoing])
  if (!deciding.has(nodeId) && !options.evenALearner)
    throw new FoundingError(
      `node ${nodeId} is no voter: what was acknowledged need not be on its disk. Recover from a voter; if none is left, give --even-a-learner. Nothing was changed`,
    )
  if (deciding.size === 1 && deciding.has(nodeId))
    throw new FoundingError(`node ${nodeId} is the only voter: start it as usual, and it leads by itself. Nothing was changed`)
  const running = await runningMembers(
    path,
    members.filter(({ id }) => id !== nodeId),
    peers,
  )
  if (running.length === 0 || options.evenIfOthersRun) return
  const list = running.map(({ id, address }) => `node ${id} at ${address}`).join(', ')
  throw new FoundingError(
    `of the cluster there runs ${list}: start this node as usual, and those that are missing, for a majority of the voters has all that was acknowledged. ` +
      'If a majority is gone for good, stop those that run, and recover from the one with the longest log; --even-if-others-run goes on without. Nothing was changed',
  )
}

function conclude(
  { config, say }: RecoverOptions,
  { path }: FoundingDirectory,
  clusterId: string,
  asideFolder: string | null,
): void {
  const { nodeId } = config
  say(
    `done: node ${nodeId} is the only voter of cluster ${clusterId}. Start it as usual; then give others empty data directories, and POST /add-learner and /admin/promote-learner`,
  )
  if (asideFolder !== null) say(`what was there is kept in ${join(path, asideFolder)}: delete it when all is well`)
}
