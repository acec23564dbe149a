import { LANGUAGE } from '../../commands/index.ts'
import { randomBytes } from 'node:crypto'
import { CONNECT_TIMEOUT_MS } from '../../limits.ts'
import type { Claims } from '../../ports/index.ts'
import { INSTANCE_SIZE } from '../../wire/index.ts'
import { dial } from './dialer.ts'
import type { DialerOptions } from './dialer.ts'
import { createResolver, deriveCookieKey, generateIdentity, Link, systemClock } from '../link/index.ts'
import type { DialAttempt, LinkOwner, NodeIdentity, Resolve } from '../link/index.ts'
import { createLinkContext } from './tls-context.ts'

export interface LinkDialerOptions {
  readonly cookie: string
  /** The ALPN name of what is spoken on these links. */
  readonly protocol: string
  /** Of each link, towards the other end. */
  readonly maxQueueBytes: number
  /** A key drawn for this dialer alone when absent. */
  readonly identity?: NodeIdentity
  /** For one address to accept the connection, and for one handshake, each. */
  readonly timeoutMs?: number
  readonly resolve?: Resolve
  /** Must be that of the nodes. */
  readonly scryptCost?: number
}

/** Who is neither a node nor a member says so: ids begin at 1. */
const NO_CLAIMS: Claims = { nodeId: 0, clusterId: null, addresses: [], languageVersion: LANGUAGE.version }

/** Makes links to nodes for a program that is none itself: it listens nowhere, and every link is asked for. */
export class LinkDialer {
  readonly #dialer: DialerOptions
  readonly #maxQueueBytes: number

  private constructor(dialer: DialerOptions, maxQueueBytes: number) {
    this.#dialer = dialer
    this.#maxQueueBytes = maxQueueBytes
  }

  static async create(options: LinkDialerOptions): Promise<LinkDialer> {
    const { identity = generateIdentity(), cookie, protocol, scryptCost } = options
    const self = {
      endpointId: identity.endpointId,
      instance: randomBytes(INSTANCE_SIZE).toString('hex'),
      protocol,
      cookieKey: await deriveCookieKey(cookie, scryptCost),
      claims: () => NO_CLAIMS,
    }
    const dialer = {
      context: createLinkContext(identity),
      clock: systemClock,
      resolve: options.resolve ?? createResolver(systemClock),
      self,
      timeoutMs: options.timeoutMs ?? CONNECT_TIMEOUT_MS,
    }
    return new LinkDialer(dialer, options.maxQueueBytes)
  }

  /**
   * Links to the node with this key. The link does not keep the process running: whoever waits for an answer does.
   * @throws LinkError for a refusal, the system's error when no connection was made
   */
  async dial(target: Omit<DialAttempt, 'beforeProof' | 'relay'>, owner: LinkOwner): Promise<Link> {
    const result = await dial(this.#dialer, { ...target, beforeProof: () => undefined })
    if (result.linked === undefined) throw result.error
    const { socket, peer, readAhead } = result.linked
    const link = new Link({
      socket,
      peer,
      outbound: true,
      owner,
      clock: this.#dialer.clock,
      maxQueueBytes: this.#maxQueueBytes,
    })
    socket.unref()
    if (readAhead.length > 0) link.receive(readAhead)
    return link
  }
}
