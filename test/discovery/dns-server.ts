/** A name server on loopback, over UDP and TCP, that says what a test has it say. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { decode, encode, TRUNCATED_RESPONSE } from 'dns-packet'
import type { Answer, RecordType } from 'dns-packet'

/** What is said of a name: records, a code of failure, bytes in place of an answer, but for its id, or nothing at all. */
export type Said = readonly Answer[] | { readonly rcode: number } | { readonly bytes: Buffer } | 'silence'

const NXDOMAIN = 3
export const SERVFAIL = 2
const MAX_UDP_SIZE = 512

export class DnsServer {
  readonly asked: string[] = []
  readonly #said = new Map<string, Said>()
  #udp = createSocket('udp4')
  #tcp = createServer((socket) => this.#serve(socket))
  readonly #sockets = new Set<Socket>()

  /** Port 0 takes any free one. @returns `address:port` */
  async listen(port = 0): Promise<string> {
    this.#tcp.listen(port, '127.0.0.1')
    await once(this.#tcp, 'listening')
    const { port: bound } = this.#tcp.address() as AddressInfo
    this.#udp.on('message', (bytes, { port: from, address }) => {
      const answer = this.#answer(bytes)
      if (answer !== null) this.#udp.send(answer.length > MAX_UDP_SIZE ? truncated(bytes) : answer, from, address)
    })
    this.#udp.bind(bound, '127.0.0.1')
    await once(this.#udp, 'listening')
    return `127.0.0.1:${bound}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#udp.close()
    this.#tcp.close()
    await Promise.all([once(this.#udp, 'close'), once(this.#tcp, 'close')])
  }

  say(type: RecordType, name: string, said: Said): void {
    this.#said.set(`${type} ${name}`, said)
  }

  srv(name: string, target: string, port: number, priority = 1): Answer {
    return { type: 'SRV', name, ttl: 1, data: { target, port, priority, weight: 1 } }
  }

  a(name: string, address: string): Answer {
    return { type: 'A', name, ttl: 1, data: address }
  }

  txt(name: string, ...texts: string[]): Answer[] {
    return texts.map((text) => ({ type: 'TXT', name, ttl: 1, data: text.match(/[^]{1,255}/g) ?? [''] }))
  }

  #answer(bytes: Buffer): Buffer | null {
    const { id, questions = [] } = decode(bytes)
    const [question] = questions
    if (question === undefined) return null
    const key = `${question.type} ${question.name.toLowerCase()}`
    this.asked.push(key)
    const said = this.#said.get(key) ?? { rcode: NXDOMAIN }
    if (said === 'silence') return null
    // Without its id an answer is not looked at.
    if ('bytes' in said) return Buffer.concat([bytes.subarray(0, 2), said.bytes.subarray(2)])
    const answers = 'rcode' in said ? [] : [...said]
    const answer = encode({ type: 'response', id: id ?? 0, flags: 'rcode' in said ? said.rcode : 0, questions, answers })
    return Buffer.from(answer)
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    let bytes = Buffer.alloc(0)
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more])
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE()) {
        const end = 2 + bytes.readUInt16BE()
        const answer = this.#answer(bytes.subarray(2, end))
        bytes = bytes.subarray(end)
        if (answer === null) continue
        const length = Buffer.alloc(2)
        length.writeUInt16BE(answer.length)
        socket.write(Buffer.concat([length, answer]))
      }
    })
  }
}

function truncated(question: Buffer): Buffer {
  const { id, questions = [] } = decode(question)
  return Buffer.from(encode({ type: 'response', id: id ?? 0, flags: TRUNCATED_RESPONSE, questions }))
}
