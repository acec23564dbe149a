/** A pkarr relay on loopback, written from its description alone: it shares no code with what it tests. */
import { createPublicKey, verify } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const DIGITS = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** 52 digits of five bits, of which the last four are none of the 32 bytes. */
export function keyOf(name: string): Buffer {
  let bits = 0n
  for (const digit of name) bits = (bits << 5n) | BigInt(DIGITS.indexOf(digit))
  return Buffer.from((bits >> 4n).toString(16).padStart(64, '0'), 'hex')
}

export class Relay {
  readonly #server: Server
  /** By the name of the key: what was put last. */
  readonly records = new Map<string, Buffer>()
  readonly requests: { readonly method: string; readonly name: string; readonly headers: IncomingMessage['headers'] }[] = []
  /** Answers instead, where it returns true. */
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false

  readonly #scheme: string

  constructor(tls?: { readonly cert: string; readonly key: string }) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response)
    this.#scheme = tls === undefined ? 'http' : 'https'
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve)
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = ''] = /([a-z0-9]{52})$/.exec(request.url ?? '') ?? []
    this.requests.push({ method: request.method ?? '', name, headers: request.headers })
    if (this.before(request, response)) return
    if (request.method === 'GET') {
      const body = this.records.get(name)
      return void response.writeHead(body === undefined ? 404 : 200).end(body)
    }
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    response.writeHead(this.#put(name, Buffer.concat(parts), request.headers['if-match'])).end()
  }

  #put(name: string, body: Buffer, replaces: string | undefined): number {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: keyOf(name).toString('base64url') }, format: 'jwk' })
    const value = body.subarray(72)
    const sequence = body.readBigUInt64BE(64)
    const signed = Buffer.concat([Buffer.from(`3:seqi${sequence}e1:v${value.length}:`), value])
    if (body.length > 1_072 || !verify(null, signed, key, body.subarray(0, 64))) return 400
    const there = this.records.get(name)?.readBigUInt64BE(64)
    if (there !== undefined && replaces !== undefined && BigInt(replaces) !== there) return 412
    if (there !== undefined && there >= sequence) return 409
    this.records.set(name, body)
    return 204
  }
}
