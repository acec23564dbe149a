/**
 * Hosts on bridges, each in a network namespace of its own, that run real nodes. To be made in a namespace that may be filled with bridges: see
 * in-namespace.ts.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startChild, stopChildren } from '../../tools/cluster/child.ts'
import type { Child } from '../../tools/cluster/child.ts'

const DOOR = join(import.meta.dirname, 'host-door.ts')
const PROGRAM = join(import.meta.dirname, '../../bin/aspen-node.cjs')
/** Nodes of one host differ by their ports. */
const HTTP_PORTS = [8080, 8081, 8082] as const
const RACTOR_PORT = 26_000
const WAIT_MS = 60_000
const POLL_MS = 10
const STOP_DEADLINE_MS = 20_000
const REQUEST_TIMEOUT_MS = 15_000

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Where a host's interface is: on which bridge, and with which address, `10.1.0.1/24`. */
export interface Plug {
  readonly bridge: string
  readonly address: string
}

/** Looks until `probe` gives something; fails after a minute with `what`. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + WAIT_MS
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`${what}: not within ${WAIT_MS} ms`)
    await delay(POLL_MS)
  }
}

/** @throws Error with what it said when it fails */
function runNow(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}

const ip = (...args: string[]): void => runNow('ip', args)

/** Of `/proc/net/tcp`, on the machines that this runs on. */
const LOOPBACK_HEX = '0100007F'

function dotted(hex: string): string {
  const bytes = hex.split(':')[0]?.match(/../g)?.reverse() ?? []
  return bytes.map((byte) => parseInt(byte, 16)).join('.')
}

/** A node on a host; it can be stopped, and started again on its data. */
export class HostNode {
  readonly nodeId: number
  readonly #host: Host
  readonly #socket: string
  readonly #command: readonly string[]
  #child: Child | null = null

  constructor(host: Host, nodeId: number, { socket, args }: { readonly socket: string; readonly args: readonly string[] }) {
    this.#host = host
    this.nodeId = nodeId
    this.#socket = socket
    this.#command = args
  }

  start(): void {
    this.#child = startChild(`node ${this.nodeId}`, this.#host.inside(this.#command), ['ignore', 'pipe', 'pipe'])
  }

  /** In good order. */
  async stop(): Promise<void> {
    if (this.#child !== null) await stopChildren([this.#child], STOP_DEADLINE_MS)
    this.#child = null
  }

  get child(): Child | null {
    return this.#child
  }

  /** It has said that it is ready: whoever asks it before only takes time from it. */
  async ready(): Promise<void> {
    await eventually(`node ${this.nodeId} is ready`, async () => {
      if (this.#child?.ended() !== undefined)
        throw new Error(`node ${this.nodeId} ${this.#child.ended()}:\n${this.#child.output()}`)
      return this.#child?.output().includes('is ready')
    })
  }

  get(path: string): Promise<Answer> {
    return this.#request('GET', path)
  }

  post(path: string, body: object): Promise<Answer> {
    return this.#request('POST', path, JSON.stringify(body))
  }

  async #request(method: string, path: string, body?: string): Promise<Answer> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const asking = request({
      socketPath: this.#socket,
      method,
      path,
      headers: { ...headers, host: 'localhost' },
      agent: false,
      signal,
    })
    asking.end(body)
    const [response] = await once(asking, 'response')
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    const isJson = String(response.headers['content-type']).startsWith('application/json')
    return { status: response.statusCode, body: isJson ? JSON.parse(text) : text }
  }
}

export class Host {
  readonly name: string
  readonly #folder: string
  readonly #door: ChildProcess
  readonly nodes: HostNode[] = []
  readonly #plugged = new Set<string>()
  /** Programs beside the nodes. */
  readonly #others: Child[] = []

  private constructor(name: string, folder: string, door: ChildProcess) {
    this.name = name
    this.#folder = folder
    this.#door = door
  }

  static async make(name: string, folder: string): Promise<Host> {
    mkdirSync(folder)
    const door = spawn('unshare', ['--net', '--', process.execPath, DOOR, folder, ...HTTP_PORTS.map(String)], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    const host = new Host(name, folder, door)
    const outside = readlinkSync('/proc/self/ns/net')
    while (readlinkSync(`/proc/${host.pid}/ns/net`) === outside) await delay(1)
    host.ip('link', 'set', 'lo', 'up')
    while (!HTTP_PORTS.every((port) => existsSync(join(folder, String(port))))) await delay(1)
    return host
  }

  get pid(): string {
    return String(this.#door.pid)
  }

  /** A command line that runs this one on the host. */
  inside(command: readonly string[]): readonly [string, ...string[]] {
    return ['nsenter', '--target', this.pid, '--net', ...command]
  }

  ip(...args: string[]): void {
    const [program, ...rest] = this.inside(['ip', ...args])
    runNow(program, rest)
  }

  /** Joins it to a bridge by the interface `eth0`, `eth1` and so on. */
  plug(name: string, { bridge, address }: Plug): void {
    const port = `${this.name}-${name}`
    ip('link', 'add', port, 'type', 'veth', 'peer', 'name', name, 'netns', this.pid)
    ip('link', 'set', port, 'master', bridge, 'up')
    this.ip('addr', 'add', address, 'dev', name)
    this.ip('link', 'set', name, 'up')
    this.#plugged.add(name)
  }

  /** Takes the interface out for good, as if it was never there. */
  unplug(name: string): void {
    ip('link', 'del', `${this.name}-${name}`)
    this.#plugged.delete(name)
  }

  /** As if the cable was pulled, or put in again: at the other end, so that the host itself is told nothing but that. */
  cable(name: string, state: 'up' | 'down'): void {
    ip('link', 'set', `${this.name}-${name}`, state)
  }

  /** Starts a node that listens on all interfaces, unless told otherwise. */
  startNode(nodeId: number, flags: readonly string[]): HostNode {
    const number = this.nodes.length
    const port = HTTP_PORTS[number]
    if (port === undefined) throw new Error(`a host has ${HTTP_PORTS.length} nodes at the most`)
    const place = ['--http-addr', `127.0.0.1:${port}`, '--ractor-port', String(RACTOR_PORT + number)]
    const listens = flags.includes('--ractor-host') ? [] : ['--ractor-host', '0.0.0.0']
    const data = ['--data-dir', join(this.#folder, `data-${number}`)]
    // What iroh asks of a network is of no interest here.
    const args = [
      process.execPath,
      PROGRAM,
      '--node-id',
      String(nodeId),
      ...place,
      ...listens,
      ...data,
      '--transport',
      'direct',
      ...flags,
    ]
    const node = new HostNode(this, nodeId, { socket: join(this.#folder, String(port)), args })
    this.nodes.push(node)
    node.start()
    return node
  }

  /** Runs another program of Node on the host, until all of it ends. */
  run(args: readonly string[]): Child {
    const child = startChild(args.join(' '), this.inside([process.execPath, ...args]), ['ignore', 'pipe', 'pipe'])
    this.#others.push(child)
    return child
  }

  /** The addresses of both ends of its established TCP connections over the network. */
  connections(): { readonly local: string; readonly remote: string }[] {
    const ESTABLISHED = '01'
    const [, ...lines] = readFileSync(`/proc/${this.pid}/net/tcp`, 'utf8').trim().split('\n')
    return lines.flatMap((line) => {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/)
      const isMeant = state === ESTABLISHED && !local.startsWith(LOOPBACK_HEX)
      return isMeant ? [{ local: dotted(local), remote: dotted(remote) }] : []
    })
  }

  /** Ends its nodes, and removes all that they have kept. */
  async wipe(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
    for (const i of this.nodes.keys()) rmSync(join(this.#folder, `data-${i}`), { recursive: true, force: true })
    this.nodes.length = 0
  }

  async stop(): Promise<void> {
    await Promise.all([...this.nodes.map((node) => node.stop()), stopChildren(this.#others, STOP_DEADLINE_MS)])
    // The kernel takes its time with those of a host that is gone.
    for (const name of this.#plugged) this.unplug(name)
    const gone = once(this.#door, 'exit')
    this.#door.kill()
    await gone
  }
}

/** Whether all that it is connected with it is from this address, and these are among them. */
export function isConnectedFrom(host: Host, address: string, others: readonly string[]): boolean {
  const connections = host.connections()
  const remotes = new Set(connections.map(({ remote }) => remote))
  return connections.every(({ local }) => local === address) && others.every((other) => remotes.has(other))
}

export class Lan {
  readonly #folder = mkdtempSync(join(tmpdir(), 'aspen-lan-'))
  readonly hosts: Host[] = []
  readonly #bridges: string[] = []

  bridge(name: string): string {
    ip('link', 'add', name, 'type', 'bridge')
    ip('link', 'set', name, 'up')
    this.#bridges.push(name)
    return name
  }

  /** Its interfaces are `eth0`, `eth1` and so on. */
  async host(name: string, ...plugs: readonly Plug[]): Promise<Host> {
    const host = await Host.make(name, join(this.#folder, name))
    this.hosts.push(host)
    for (const [i, plug] of plugs.entries()) host.plug(`eth${i}`, plug)
    return host
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()))
    for (const bridge of this.#bridges) ip('link', 'del', bridge)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** What all nodes have said, for whoever looks into a failure. */
  get output(): string {
    const nodes = this.hosts.flatMap(({ name, nodes: some }) => some.map((node) => ({ name, node })))
    return nodes.map(({ name, node }) => `node ${node.nodeId} on ${name}:\n${node.child?.output() ?? '(stopped)'}`).join('\n')
  }
}

/** One that ends with the test, and says what its nodes said when that fails. */
export function lanOf(t: TestContext): Lan {
  const lan = new Lan()
  t.after(async () => {
    if (!t.passed) console.log(lan.output)
    await lan.stop()
  })
  return lan
}
