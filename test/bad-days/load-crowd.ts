/** Many raw connections to one port, and what the other side said on them before it closed them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { LOOPBACK } from '../../tools/cluster/node-plan.ts'

/** Connections that are being made at once: the queue of a listening socket has a length. */
const OPENING = 256
/** Of what a connection receives, this much is kept. */
const KEPT_BYTES = 1024

export interface Caller {
  readonly socket: Socket
  /** The beginning of what was received. */
  heard: string
  closed: boolean
}

export class Crowd {
  readonly callers: Caller[] = []
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  /** Opens `count` more connections; `greet` is called for each when it stands. */
  async open(count: number, greet: (socket: Socket) => void = () => undefined): Promise<void> {
    let left = count
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left--
        await this.#openOne(greet)
      }
    }
    await Promise.all(Array.from({ length: Math.min(OPENING, count) }, lane))
  }

  /** How many the other side has closed. */
  get closed(): number {
    return this.callers.filter((caller) => caller.closed).length
  }

  /** How many have heard an answer that contains all the words. */
  heard(...words: readonly string[]): number {
    return this.callers.filter(({ heard }) => words.every((word) => heard.includes(word))).length
  }

  leave(): void {
    for (const { socket } of this.callers.splice(0)) socket.destroy()
  }

  async #openOne(greet: (socket: Socket) => void): Promise<void> {
    const socket = connect({ port: this.#port, host: LOOPBACK })
    const caller: Caller = { socket, heard: '', closed: false }
    this.callers.push(caller)
    socket.on('data', (chunk: Buffer) => {
      if (caller.heard.length < KEPT_BYTES) caller.heard += chunk.toString('latin1', 0, KEPT_BYTES)
    })
    socket.on('close', () => (caller.closed = true))
    // A refusal that overtakes the rest of what was sent ends in a reset; what was heard before it counts.
    socket.on('error', () => undefined)
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    if (!caller.closed) greet(socket)
  }
}
