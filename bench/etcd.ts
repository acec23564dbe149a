/** etcd beside us: a cluster on loopback, where the machine has the program (Debian: etcd-server). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from '../tools/cluster/http-json.ts'
import { LOOPBACK } from '../tools/cluster/node-plan.ts'
import { freePorts } from '../tools/cluster/ports.ts'

const START_TIMEOUT_MS = 20_000
const POLL_MS = 100

export interface RunningEtcd {
  /** Of the leader's client URL, which serves the JSON gateway too. */
  readonly leaderPort: number
  readonly stop: () => Promise<void>
}

function isInstalled(): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'etcd'), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

interface Status {
  readonly leader?: string
  readonly header?: { readonly member_id?: string }
}

async function leads(port: number): Promise<boolean> {
  try {
    const { leader, header } = (await request('POST', `http://${LOOPBACK}:${port}/v3/maintenance/status`, {})).body as Status
    return leader !== undefined && leader === header?.member_id
  } catch {
    return false
  }
}

async function findLeader(ports: readonly number[]): Promise<number> {
  const end = performance.now() + START_TIMEOUT_MS
  while (performance.now() < end) {
    for (const port of ports) if (await leads(port)) return port
    await delay(POLL_MS)
  }
  throw new Error(`etcd had no leader after ${START_TIMEOUT_MS} ms`)
}

/** Starts a durable cluster; undefined where there is no etcd. */
export async function startEtcd(nodes: number): Promise<RunningEtcd | undefined> {
  if (!isInstalled()) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'aspen-bench-etcd-'))
  const ports = await freePorts(LOOPBACK, 2 * nodes)
  const members = Array.from({ length: nodes }, (_, i) => ({
    name: `n${i}`,
    client: `http://${LOOPBACK}:${ports[2 * i]}`,
    peer: `http://${LOOPBACK}:${ports[2 * i + 1]}`,
  }))
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const children = members.map(({ name, client, peer }) => {
    const identity = ['--name', name, '--data-dir', join(folder, name), '--log-level', 'error']
    const clients = ['--listen-client-urls', client, '--advertise-client-urls', client]
    const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster]
    return spawn('etcd', [...identity, ...clients, ...peers], { stdio: 'ignore' })
  })
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill('SIGKILL')
        await once(child, 'exit')
      }),
    )
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return { leaderPort: await findLeader(members.map((_, i) => ports[2 * i] as number)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
