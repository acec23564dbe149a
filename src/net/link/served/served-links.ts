import type { Clock, LinkEnd, ServedProtocol, Timer } from '../../../ports/index.ts'
import { acceptHandshake } from '../handshake.ts'
import type { KeyedConnection } from '../carrier.ts'
import type { HandshakeSelf, ProvenDialer } from '../handshake.ts'
import { HandshakeStream } from '../handshake-stream.ts'
import { Link } from '../link.ts'
import type { LinkOwner } from '../link.ts'
import { LinkError, refusalError } from '../link-error.ts'
import type { LinkReports } from '../link-reports.ts'

export interface ServedLinksOptions {
  readonly service: ServedProtocol
  readonly self: HandshakeSelf
  readonly clock: Clock
  readonly reports: LinkReports
}

/** The links of one {@link ServedProtocol}. */
export class ServedLinks implements LinkOwner {
  readonly #options: ServedLinksOptions
  readonly #service: ServedProtocol
  readonly #links = new Set<Link>()
  /** Links that ended on purpose and still send what they had. */
  readonly #finishing = new Set<Link>()
  #closing = false
  #keepAlive: Timer | undefined

  constructor(options: ServedLinksOptions) {
    this.#options = options
    this.#service = options.service
  }

  async accept({ socket, endpointId, remote, admit }: KeyedConnection): Promise<void> {
    const { self, clock, reports } = this.#options
    const stream = new HandshakeStream(socket)
    const attempted = { endpointId, remote, isKnown: false }
    let dialer: ProvenDialer
    try {
      dialer = await acceptHandshake(stream, self, endpointId)
      this.#checkRoom()
      if (socket.destroyed) throw new LinkError('ABORTED', 'the client closed the connection at the end of the handshake')
    } catch (error) {
      if (error instanceof LinkError) stream.refuse(error)
      else socket.destroy()
      reports.failed(attempted, error as Error)
      return
    }
    admit()
    const peer = dialer.accept()
    const { maxQueueBytes } = this.#service
    const link = new Link({ socket, peer, outbound: false, owner: this, clock, maxQueueBytes })
    this.#links.add(link)
    if (this.#keepAlive === undefined) this.#watchSilence()
    reports.served(endpointId, self.protocol)
    this.#service.opened(link)
    const readAhead = stream.release()
    if (readAhead.length > 0) link.receive(readAhead)
  }

  message(link: Link, bytes: Uint8Array): void {
    this.#service.message(link, bytes)
  }

  claimed(): void {}

  ended(link: Link, end: LinkEnd, error: Error | undefined): void {
    if (!this.#links.delete(link)) return
    if (end === 'graceful') {
      this.#finishing.add(link)
      link.closed().then(
        () => this.#finishing.delete(link),
        () => this.#finishing.delete(link),
      )
    }
    this.#options.reports.servedEnd(link.endpointId, this.#options.self.protocol, end, error)
    this.#service.ended(link)
  }

  /** Lets the service say its last words, then finishes every link. Resolves when the connections are gone. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#service.closing()
    this.#keepAlive?.cancel()
    for (const link of this.#links) link.finish()
    await Promise.all([...this.#finishing].map((link) => link.closed()))
  }

  #checkRoom(): void {
    if (this.#closing) throw refusalError('STOPPING', false)
    const { maxLinks } = this.#service
    if (this.#links.size >= maxLinks) throw refusalError('OVERLOADED', false, `${maxLinks} clients are connected already`)
  }

  #watchSilence(): void {
    this.#keepAlive = this.#options.clock.setTimer(this.#service.keepAliveMs, () => {
      this.#keepAlive = undefined
      for (const link of this.#links) link.keepAlive()
      if (this.#links.size > 0) this.#watchSilence()
    })
  }
}
