/**
 * Three nodes on three hosts that reach nothing but a relay: each in a network namespace of its own, joined to ours by a pair of virtual
 * interfaces, and nothing is passed on between them. To be run in a namespace: see in-namespace.ts.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { formCluster, waitForNodes } from '../../tools/cluster/form-cluster.ts'
import { nodeCommand } from '../../tools/cluster/node-plan.ts'
import { withPeers } from '../../tools/cluster/prepare.ts'

const NODES = 3
const HTTP_PORT = 8080
const RACTOR_PORT = 26_000
const RELAY_ADDRESS = '10.77.0.1'
const RELAY_URL = `http://${RELAY_ADDRESS}:3340`
const FORMATION_TIMEOUT_MS = 60_000
const END_TIMEOUT_MS = 10_000
const MAX_OUTPUT = 64 * 1024

export interface RelayHost {
  readonly nodeId: number
  readonly address: string
  readonly port: number
  readonly url: string
}

/** Why there are no such hosts here; undefined when there can be. */
export function whyNoRelay(): string | undefined {
  const { status } = spawnSync('iroh-relay', ['--version'], { stdio: 'ignore' })
  return status === 0 ? undefined : 'iroh-relay is not on the PATH: cargo install iroh-relay --features server'
}

export class RelayHosts {
  readonly hosts: readonly RelayHost[]
  readonly #folder = mkdtempSync(join(tmpdir(), 'aspen-relay-'))
  readonly #children: ChildProcess[] = []
  #relay: ChildProcess | undefined
  #output = ''

  private constructor() {
    this.hosts = Array.from({ length: NODES }, (_, i) => {
      const address = `10.77.${i + 1}.2`
      return { nodeId: i + 1, address, port: HTTP_PORT, url: `http://${address}:${HTTP_PORT}` }
    })
  }

  /** A cluster in which all vote. */
  static async start(transport: 'auto' | 'iroh'): Promise<RelayHosts> {
    const world = new RelayHosts()
    try {
      ip('addr', 'add', `${RELAY_ADDRESS}/32`, 'dev', 'lo')
      world.startRelay()
      await world.#startNodes(transport)
    } catch (error) {
      await world.stop()
      throw new Error(`the hosts did not come about:\n${world.#output}`, { cause: error })
    }
    return world
  }

  startRelay(): void {
    this.#relay = this.#run('iroh-relay', ['--dev'])
  }

  async stopRelay(): Promise<void> {
    if (this.#relay !== undefined) await end(this.#relay)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(end))
    ip('addr', 'del', `${RELAY_ADDRESS}/32`, 'dev', 'lo')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #startNodes(transport: 'auto' | 'iroh'): Promise<void> {
    const drafts = this.hosts.map(({ nodeId }) => ({
      nodeId,
      httpPort: HTTP_PORT,
      ractorPort: RACTOR_PORT,
      dataDir: join(this.#folder, `node-${nodeId}`),
      storage: 'Sqlite' as const,
      cookie: ['--cookie', 'relayed'],
      more: ['--transport', transport, '--iroh-relay-urls', RELAY_URL, '--insecure', '--log-level', 'warn'],
    }))
    for (const plan of withPeers(drafts)) {
      const { address } = this.hosts[plan.nodeId - 1] as RelayHost
      // Nobody knows more of the others than their keys.
      const peers = plan.peers.map((peer) => peer.split(':')[0] as string)
      const [program, ...args] = nodeCommand({ ...plan, peers })
      const own = args.map((arg) => (arg === `127.0.0.1:${HTTP_PORT}` ? `${address}:${HTTP_PORT}` : arg))
      await this.#startHost(plan.nodeId, [program, ...own, '--ractor-host', address])
    }
    const formation = { timeoutMs: FORMATION_TIMEOUT_MS, signal: new AbortController().signal }
    await waitForNodes(this.hosts, formation)
    await formCluster(this.hosts, formation)
  }

  /** The program begins when its host has its interface. */
  async #startHost(number: number, command: readonly string[]): Promise<void> {
    const child = this.#run('unshare', ['--net', '--', 'sh', '-c', 'read begin && exec "$0" "$@"', ...command], 'pipe')
    const pid = String(child.pid)
    while (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) await delay(1)
    ip('link', 'add', `h${number}`, 'type', 'veth', 'peer', 'name', `n${number}`, 'netns', pid)
    ip('addr', 'add', `10.77.${number}.1/24`, 'dev', `h${number}`)
    ip('link', 'set', `h${number}`, 'up')
    const inside = (...args: string[]): void => runNow('nsenter', ['--target', pid, '--net', 'ip', ...args])
    inside('link', 'set', 'lo', 'up')
    inside('addr', 'add', `10.77.${number}.2/24`, 'dev', `n${number}`)
    inside('link', 'set', `n${number}`, 'up')
    inside('route', 'add', 'default', 'via', `10.77.${number}.1`)
    child.stdin?.write('begin\n')
  }

  #run(program: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-MAX_OUTPUT)))
    }
    this.#children.push(child)
    return child
  }
}

function ip(...args: string[]): void {
  runNow('ip', args)
}

/** @throws Error with what it said when it fails */
function runNow(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS)
  await gone
  clearTimeout(timer)
}
