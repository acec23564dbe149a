/**
 * The mainline DHT of BitTorrent: keeps signed records (BEP 44) at the eight nodes that are the closest to the hash of their key. This is a client of it alone,
 * which answers nothing. It begins at the nodes that it is given, and sends nothing to anybody before it looks for something.
 */
import { createHash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { parseAddress } from '../../api/index.ts'
import { fromHex } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import type { Clock, Signatures } from '../../ports/index.ts'
import { PlaceError } from './record-place.ts'
import type { RecordPlace } from './record-place.ts'
import { isSignedBy } from './signed-record.ts'
import type { SignedRecord } from './signed-record.ts'
import { decodeReply, encodeGet, encodePut, ID_SIZE } from './krpc.ts'
import type { Reply } from './krpc.ts'
import type { Contact, OpenUdp, Udp, UdpListener } from './udp.ts'
import { keyOf, walk } from './walk.ts'
import type { Answered } from './walk.ts'

/** Whoever is there answers within it. */
const ANSWER_TIMEOUT_MS = 1_500
/** Nodes that have answered, to begin at as well the next time: the given ones may be gone by then. */
const MAX_REMEMBERED = 8
const MAX_GIVEN = 8

export interface DhtOptions {
  /** `host:port` each. */
  readonly bootstrap: readonly string[]
  readonly open: OpenUdp
  readonly clock: Clock
  readonly random: Random
  readonly signatures: Signatures
  /** Host name to IP addresses. */
  readonly resolve: (host: string) => Promise<readonly string[]>
}

/** By transaction: what is done with the reply, or that none comes. */
type Pending = Map<string, (reply: Reply | null) => void>

interface Walked {
  readonly closest: readonly Answered[]
  readonly newest: SignedRecord | null
}

export class DhtPlace implements RecordPlace, UdpListener {
  readonly name: string
  readonly concurrency = 2
  readonly #options: DhtOptions
  readonly #id: Uint8Array
  #udp: Udp | null = null
  /** Whoever was asked something: by address, then by transaction, what is done with the reply. */
  readonly #asked = new Map<string, Pending>()
  readonly #remembered = new Map<string, Contact>()
  #failure: string | null = null
  #isClosed = false

  constructor(options: DhtOptions) {
    this.#options = options
    this.name = `the DHT from ${options.bootstrap.join(', ')}`
    this.#id = this.#draw(ID_SIZE)
  }

  async get(endpointId: string): Promise<SignedRecord | null> {
    return (await this.#walk(endpointId)).newest
  }

  /** Each of its nodes has what it has: the newest counts, so there is nothing to compare with. */
  async put(record: SignedRecord): Promise<void> {
    const { endpointId } = this.#options.signatures
    const { closest, newest } = await this.#walk(endpointId)
    if (newest !== null && newest.sequence >= record.sequence)
      throw new PlaceError('a newer record of this node is there', { isConflict: true })
    const replies = await Promise.all(
      closest.flatMap(({ contact, answer: { token } }) =>
        token === null ? [] : [this.#ask(contact, (asking) => encodePut(asking, { endpointId, record, token }))],
      ),
    )
    if (replies.some((reply) => reply?.kind === 'answer')) return
    const errors = replies.flatMap((reply) => (reply?.kind === 'error' ? [reply] : []))
    const isConflict = errors.some((error) => error.isConflict)
    throw new PlaceError(errors[0]?.words ?? `none of ${closest.length} nodes has taken the record`, { isConflict })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#endAll()
    const udp = this.#udp
    this.#udp = null
    await udp?.close()
  }

  /** Asks for the record on the way. */
  async #walk(endpointId: string): Promise<Walked> {
    const { clock, signatures } = this.#options
    const target = createHash('sha1').update(fromHex(endpointId)).digest()
    let newest: SignedRecord | null = null
    let answers = 0
    const closest = await walk({
      target,
      own: this.#id,
      start: await this.#beginnings(),
      clock,
      ask: async (contact) => {
        const reply = await this.#ask(contact, (asking) => encodeGet(asking, target))
        return reply?.kind === 'answer' ? reply.answer : null
      },
      answered: ({ contact, answer: { item } }) => {
        answers++
        this.#remember(contact)
        if (item?.endpointId !== endpointId || item.record.sequence <= (newest?.sequence ?? -1)) return
        if (isSignedBy(endpointId, item.record, signatures)) newest = item.record
      },
    })
    if (this.#isClosed) throw new PlaceError('this node stops')
    if (answers === 0) throw new PlaceError(this.#failure ?? 'none of its nodes answers')
    this.#failure = null
    return { closest, newest }
  }

  // --- Where it begins ---

  async #beginnings(): Promise<Contact[]> {
    const given = await Promise.all(this.#options.bootstrap.map((address) => this.#resolve(address)))
    const beginnings = [...given.flat().slice(0, MAX_GIVEN), ...this.#remembered.values()]
    return [...new Map(beginnings.map((one) => [keyOf(one), one])).values()]
  }

  async #resolve(address: string): Promise<Contact[]> {
    const place = parseAddress(address)
    if (place === undefined) return []
    try {
      const hosts = await this.#options.resolve(place.host)
      return hosts.filter((host) => isIPv4(host)).map((host) => ({ host, port: place.port }))
    } catch (error) {
      this.#failure = (error as Error).message
      return []
    }
  }

  #remember(contact: Contact): void {
    const key = keyOf(contact)
    this.#remembered.delete(key)
    this.#remembered.set(key, contact)
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value as string)
  }

  // --- Questions and replies ---

  /** Null where no reply comes. */
  #ask(contact: Contact, encode: (asking: { transaction: string; id: Uint8Array }) => Buffer): Promise<Reply | null> {
    const { promise, resolve } = Promise.withResolvers<Reply | null>()
    if (this.#isClosed) return Promise.resolve(null)
    const key = keyOf(contact)
    const transaction = Buffer.from(this.#draw(4)).toString('hex')
    const pending: Pending = this.#asked.get(key) ?? new Map()
    this.#asked.set(key, pending)
    const timer = this.#options.clock.setTimer(ANSWER_TIMEOUT_MS, () => end(null))
    const end = (reply: Reply | null): void => {
      timer.cancel()
      pending.delete(transaction)
      if (pending.size === 0 && this.#asked.get(key) === pending) this.#asked.delete(key)
      if (reply === null) this.#remembered.delete(key)
      resolve(reply)
    }
    pending.set(transaction, end)
    this.#udp ??= this.#options.open(this)
    this.#udp.send(encode({ transaction, id: this.#id }), contact)
    return promise
  }

  heard(bytes: Buffer, from: Contact): void {
    // Who was not asked is not read.
    const pending = this.#asked.get(keyOf(from))
    if (pending === undefined) return
    const reply = decodeReply(bytes)
    if (reply !== null) pending.get(reply.transaction)?.(reply)
  }

  failed(reason: Error, to: Contact | null): void {
    this.#failure = reason.message
    if (to !== null) return endAll(this.#asked.get(keyOf(to)))
    // The next question opens another socket.
    const udp = this.#udp
    this.#udp = null
    this.#endAll()
    udp?.close().catch(() => undefined)
  }

  #endAll(): void {
    for (const pending of [...this.#asked.values()]) endAll(pending)
  }

  #draw(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.#options.random.nextUint32() & 255)
  }
}

function endAll(pending: Pending | undefined): void {
  for (const end of [...(pending?.values() ?? [])]) end(null)
}
