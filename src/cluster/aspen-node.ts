/** One node of a cluster inside this process, with an HTTP face where it is asked for: a node over the disk, network and time of this machine. */
import { AspenError } from '../api/index.ts'
import type { ActorSystem } from '../actor/index.ts'
import type { AddPeerRequest, Backup, BackupOptions, BackupSource, PeerChoice } from '../api/index.ts'
import { LogThrottle, noMetrics, silentLogger } from '../ports/index.ts'
import { systemClock } from '../net/index.ts'
import { NodeService } from '../node/index.ts'
import type { NodeServer } from '../node/index.ts'
import { backupOf } from './backup/index.ts'
import { checkOptions } from './config/index.ts'
import type { NodeConfig, NodeSettings } from './config/index.ts'
import { checkDependencies } from './node-dependencies.ts'
import type { NodeDependencies } from './node-dependencies.ts'
import type { HttpFace } from './http-face.ts'
import { checkInstallation } from './package-version.ts'
import { startError } from './start-error.ts'
import { openHome, openRealNode } from './real-node.ts'
import { settled } from './settled.ts'

/**
 * A node as a library.
 *
 * @example
 * const node = await AspenNode.start({ nodeId: 1, dataDir: './data/node-1' })
 * await node.init([1])
 * await node.write({ Set: { key: 'hello', value: 'world' } })
 * const entry = await node.read('hello')
 * await node.stop()
 */
export class AspenNode extends NodeService implements BackupSource {
  readonly #server: NodeServer
  readonly #release: () => void
  #http: HttpFace | null = null
  #stopped: Promise<void> | null = null

  private constructor(server: NodeServer, release: () => void) {
    super(server.serviceParts)
    this.#server = server
    this.#release = release
  }

  /**
   * Opens the node's data, starts listening for peers, and takes part.
   * @throws ConfigError, INVALID_CONFIG; AspenError CANNOT_LISTEN, DISK_FULL, CANNOT_START for a data directory that is in use, damaged, forgetful or another node's
   */
  static async start(settings: NodeSettings, dependencies: NodeDependencies = {}): Promise<AspenNode> {
    const { config, warnings } = checkOptions(settings)
    try {
      return await AspenNode.#start(config, warnings, dependencies)
    } catch (error) {
      throw startError(error, config)
    }
  }

  static async #start(config: NodeConfig, warnings: readonly string[], dependencies: NodeDependencies): Promise<AspenNode> {
    checkInstallation()
    const {
      logger: lines = silentLogger,
      metrics: given,
      onFatal = leaveToCallers,
      http = false,
    } = checkDependencies(dependencies)
    for (const warning of warnings) lines.log('warn', warning)
    const face = http ? (await import('./http-face.ts')).prepareHttp(config, given) : null
    const metrics = face?.metrics ?? given ?? noMetrics
    const logger = new LogThrottle(lines, metrics, systemClock)
    const home = openHome(config)
    const release = (): void => {
      home.release()
      logger.close()
    }
    try {
      const server = await openRealNode(config, home, { logger, metrics, onFault: ({ error }) => onFatal(error) })
      await startOrClose(server)
      const node = new AspenNode(server, release)
      node.#http = face === null ? null : await node.#stopUnless(face.open(node, logger))
      return node
    } catch (error) {
      release()
      throw error
    }
  }

  /** A node that cannot serve as it is asked to must not go on unseen. */
  async #stopUnless<T>(opening: Promise<T>): Promise<T> {
    try {
      return await opening
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** The program's actors on this node. Those that are registered can be reached from all members of the cluster; all end before the node stops. */
  get actors(): ActorSystem {
    return this.#server.actors
  }

  /** Where this node serves HTTP; null when it does not. */
  get httpUrl(): string | null {
    return this.#http?.url ?? null
  }

  /** Takes no more requests, hands leadership over, waits for what was accepted, and closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** A consistent copy of the state of the cluster, as {@link BackupSource} says. */
  backup(options?: BackupOptions): Promise<Backup> {
    return backupOf(this, options)
  }

  /** A stopped node keeps no book of peers: its data directory may be another process's by now. */
  override async addPeer(peer: AddPeerRequest): Promise<void> {
    this.#assertOpen()
    await super.addPeer(peer)
  }

  override async forgetPeer(endpointId: string): Promise<void> {
    this.#assertOpen()
    await super.forgetPeer(endpointId)
  }

  override async removePeer(peer: PeerChoice): Promise<void> {
    this.#assertOpen()
    await super.removePeer(peer)
  }

  #assertOpen(): void {
    if (this.#stopped !== null) throw new AspenError('STOPPING', 'this node was stopped; start it again, or ask another one')
  }

  async #stop(): Promise<void> {
    try {
      await this.#http?.drain()
      // What still waits is answered by the node as it stops: there is no more to wait for, and something to say.
      await settled((done) => this.#server.stop(done))
      await this.#http?.close()
    } finally {
      this.#release()
    }
  }
}

/** A node whose port is taken must not go on without links. */
async function startOrClose(server: NodeServer): Promise<void> {
  try {
    await server.start()
  } catch (error) {
    await settled((done) => server.close(done))
    throw error
  }
}

/** The log has the reason, and every call is rejected from now on: a library does not end the program around it. */
function leaveToCallers(): void {}
