/** What has to be on disk before the nodes start, and the plan of each node that follows from it. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { IDENTITY_FILE, loadOrCreateIdentityFile } from '../../src/cluster/identity/identity-file.ts'
import { createDirectory } from '../../src/storage/disk/index.ts'
import type { ClusterSettings } from './environment.ts'
import { LOOPBACK } from './node-plan.ts'
import type { NodePlan } from './node-plan.ts'

export interface PreparedCluster {
  readonly dataDir: string
  /** A folder made for this run alone. */
  readonly isTemporary: boolean
  readonly plans: readonly NodePlan[]
}

const PRIVATE_FILE = 0o600

/** The default cookie is no secret; any other is kept off the command line, which every user of the machine can read. */
function cookieFlags(cookie: string | undefined, dataDir: string): readonly string[] {
  if (cookie === undefined) return []
  const file = join(dataDir, 'cookie')
  writeFileSync(file, `${cookie}\n`, { mode: PRIVATE_FILE })
  return ['--cookie-file', file]
}

/** The entry of a durable node in the others' lists. Its key is made here, before any node starts. */
function peerEntry({ nodeId, dataDir, ractorPort }: Omit<NodePlan, 'peers'>): string {
  createDirectory(dataDir)
  const { endpointId } = loadOrCreateIdentityFile(join(dataDir, IDENTITY_FILE)).identity
  return `${nodeId}@${endpointId}:${LOOPBACK}:${ractorPort}`
}

/** Names every durable node to the others. One in memory draws its key when it starts, and is introduced then. */
export function withPeers(plans: readonly Omit<NodePlan, 'peers'>[]): readonly NodePlan[] {
  const entries = plans.map((plan) => (plan.storage === 'Sqlite' ? peerEntry(plan) : undefined))
  return plans.map((plan, own) => ({
    ...plan,
    peers: entries.filter((entry, index): entry is string => entry !== undefined && index !== own),
  }))
}

/** Where each node listens. */
export function nodePorts(settings: ClusterSettings): readonly Pick<NodePlan, 'nodeId' | 'httpPort' | 'ractorPort'>[] {
  return Array.from({ length: settings.nodeCount }, (_, index) => ({
    nodeId: index + 1,
    httpPort: settings.baseHttp + index,
    ractorPort: settings.baseRactor + index,
  }))
}

/** Makes folder, cookie file and, for durable nodes, identities. */
export function prepareCluster(settings: ClusterSettings, more: readonly string[]): PreparedCluster {
  const { dataDir: given, storage } = settings
  const dataDir = given === undefined ? mkdtempSync(join(tmpdir(), 'aspen-cluster-')) : resolve(given)
  createDirectory(dataDir)
  const cookie = cookieFlags(settings.cookie, dataDir)
  const plans = nodePorts(settings).map((ports) => ({
    ...ports,
    dataDir: join(dataDir, `node-${ports.nodeId}`),
    storage,
    cookie,
    more,
  }))
  return { dataDir, isTemporary: given === undefined, plans: withPeers(plans) }
}
