/** One request and its answer over HTTP/1.1, with kept-alive connections and a deadline. */
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { MAX_HTTP_ANSWER_BYTES } from '../limits.ts'
import { failureWords } from './failure-words.ts'

/** A node that says itself that time is up says more than a silent one: it gets this much longer. */
export const ANSWER_GRACE_MS = 250

export interface Answer {
  readonly status: number
  readonly text: string
}

/** What more is known of why no answer came; false when absent. */
export interface FailureTraits {
  readonly lasting?: boolean
  readonly outOfTime?: boolean
}

/** No answer came. `sent` is false only when not one byte of the request can have reached the node. */
export class ExchangeFailure extends Error {
  override readonly name = 'ExchangeFailure'
  readonly sent: boolean
  /** Whether asking the same node again is of no use until somebody changes something. */
  readonly lasting: boolean
  /** Whether the time that this attempt was given ran out, whatever the node would have done with more of it. */
  readonly outOfTime: boolean

  constructor(message: string, sent: boolean, { lasting = false, outOfTime = false }: FailureTraits = {}) {
    super(message)
    this.sent = sent
    this.lasting = lasting
    this.outOfTime = outOfTime
  }
}

export interface Exchange {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string | null
  readonly token: string | undefined
  /** Milliseconds until the whole answer must be here. */
  readonly timeoutMs: number
  /** Milliseconds until the request must be on its way; timeoutMs when absent. */
  readonly connectMs?: number
}

/** The way to the nodes. */
export interface Exchanges {
  /** @throws ExchangeFailure when no whole answer arrives in time */
  send(exchange: Exchange): Promise<Answer>
  close(): void
}

export function headersOf({ body, token }: Exchange): Record<string, string | number> {
  return {
    ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

function readAnswer(response: http.IncomingMessage, done: (answer: Answer) => void, fail: (reason: string) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_HTTP_ANSWER_BYTES) fail(`the answer is larger than ${MAX_HTTP_ANSWER_BYTES} bytes`)
    else chunks.push(chunk)
  })
  response.on('end', () => {
    done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
  })
  response.on('close', () => {
    if (!response.complete) fail('the connection ended in the middle of the answer')
  })
  response.on('error', (error) => fail(error.message))
}

/** The connections to any number of nodes. */
export class Connections implements Exchanges {
  readonly #http: http.Agent
  readonly #https: https.Agent

  /**
   * @param perNode connections to one node; further requests wait for one
   * @param ca certificates that are believed, in PEM
   */
  constructor(perNode: number, ca?: string) {
    const options = { keepAlive: true, maxSockets: perNode, scheduling: 'lifo' as const }
    this.#http = new http.Agent(options)
    this.#https = new https.Agent({ ...options, ...(ca === undefined ? {} : { ca }) })
  }

  /** @throws ExchangeFailure when no whole answer arrives in time */
  send(exchange: Exchange): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const secure = exchange.url.protocol === 'https:'
      const request = (secure ? https : http).request(exchange.url, {
        agent: secure ? this.#https : this.#http,
        method: exchange.method,
        path: exchange.path,
        headers: headersOf(exchange),
      })
      let sent = false
      const fail = (reason: string, traits?: FailureTraits): void => {
        clearTimeout(timer)
        clearTimeout(unsent)
        reject(new ExchangeFailure(reason, sent, traits))
        request.destroy()
      }
      const outOfTime = (): void => fail(`no answer within ${Math.round(exchange.timeoutMs)} ms`, { outOfTime: true })
      const timer = setTimeout(outOfTime, exchange.timeoutMs)
      const { connectMs = exchange.timeoutMs } = exchange
      const unsent = setTimeout(() => {
        if (!sent) fail(`no connection within ${Math.round(connectMs)} ms`, { outOfTime: true })
      }, connectMs)
      request.on('socket', (socket: Socket) => {
        // The request leaves as soon as it has a connected socket; before that, nothing of it has.
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', () => (sent = true))
        else sent = true
      })
      request.on('error', (error: Error & { code?: string }) => fail(failureWords(error, secure)))
      request.on('response', (response) => {
        readAnswer(
          response,
          (answer) => {
            clearTimeout(timer)
            clearTimeout(unsent)
            resolve(answer)
          },
          fail,
        )
      })
      request.end(exchange.body ?? undefined)
    })
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}
