import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * A TCP path on loopback that lets so many bytes a second through, each way: a token bucket between the buffers of two
 * kernels' sockets, which hold as much as they do on any path.
 */
export class SlowPath {
  readonly #bytesPerMs: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Bytes that have passed towards the target. */
  passed = 0

  constructor(targetPort: number, bitsPerSecond: number) {
    this.#bytesPerMs = bitsPerSecond / 8 / 1000
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
      const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true, allowHalfOpen: true })
      this.#join(near, far, (bytes) => (this.passed += bytes))
      this.#join(far, near, () => undefined)
    })
  }

  async listen(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject).listen(0, '127.0.0.1', resolve)
    await promise
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(from: Socket, to: Socket, passed: (bytes: number) => void): void {
    this.#sockets.add(from)
    // When what has come so far has passed; a chunk is held back until it has, and the next is not read before.
    let freeAt = 0
    from.on('data', (chunk) => {
      const now = performance.now()
      freeAt = Math.max(now, freeAt) + chunk.length / this.#bytesPerMs
      from.pause()
      setTimeout(() => {
        passed(chunk.length)
        to.write(chunk)
        from.resume()
      }, freeAt - now)
    })
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => this.#sockets.delete(from))
  }
}
