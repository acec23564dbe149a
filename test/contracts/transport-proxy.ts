import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A TCP proxy on loopback whose connections can be stalled, reset and refused. */
export class TransportProxy {
  #targetPort: number
  readonly #sockets = new Set<Socket>()
  /** The two ends of each connection: who dialled, and who listens. */
  readonly #pairs = new Map<Socket, Socket>()
  #server: Server
  #port = 0
  #stalled = false

  constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = this.#createServer()
  }

  /** Where connections made from now on lead. */
  target(port: number): void {
    this.#targetPort = port
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Listens, on the same port as before if it listened before. */
  async listen(): Promise<void> {
    if (this.#server.listening) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server = this.#createServer()
    this.#server.once('error', reject)
    this.#server.listen(this.#port, '127.0.0.1', resolve)
    await promise
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Lets nothing pass, in either direction, while connections stay open. */
  stall(stalled: boolean): void {
    this.#stalled = stalled
    for (const socket of this.#sockets) {
      if (stalled) socket.pause()
      else socket.resume()
    }
  }

  /** Resets every connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Resets every connection towards who dialled, and says nothing to who listens. */
  resetDialers(): void {
    for (const [near, far] of this.#pairs) {
      far.pause()
      near.removeAllListeners('close').resetAndDestroy()
      this.#sockets.delete(near)
    }
    this.#pairs.clear()
  }

  /** Resets every connection and refuses new ones. */
  stop(): void {
    this.#server.close()
    this.reset()
  }

  /** Each direction ends by itself, as on a wire: an end that is still read from must not be cut off from answering. */
  #createServer(): Server {
    return createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
      const far = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true, allowHalfOpen: true })
      this.#pairs.set(near, far)
      near.on('close', () => this.#pairs.delete(near))
      this.#join(near, far)
      this.#join(far, near)
      if (this.#stalled) this.stall(true)
    })
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('data', (chunk) => to.write(chunk))
    from.on('end', () => to.end())
    from.on('error', () => undefined)
    from.on('close', (hadError) => {
      this.#sockets.delete(from)
      if (hadError) to.resetAndDestroy()
      else to.destroySoon()
    })
  }
}
