import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BodyBudget } from './body-budget.ts'
import { readBody } from './body-reader.ts'
import { OneATurn } from './one-a-turn.ts'

class Request extends EventEmitter {
  readonly headers: Readonly<Record<string, string>>

  constructor(headers: Readonly<Record<string, string>> = {}) {
    super()
    this.headers = headers
  }

  pause(): this {
    return this
  }
}

interface Reading {
  readonly request: Request
  readonly response: EventEmitter
  readonly budget: BodyBudget
  readonly body: Promise<Buffer | undefined>
}

function read({ limit = 1024 * 1024, headers = {}, room = 1024 * 1024 } = {}): Reading {
  const budget = new BodyBudget(room)
  const request = new Request(headers)
  const response = new EventEmitter()
  const exchange = { request: request as unknown as IncomingMessage, response: response as ServerResponse }
  const body = new Promise<Buffer | undefined>((resolve, reject) => {
    readBody({ budget, large: new OneATurn(), pieceCame: () => undefined }, exchange, limit, (error, bytes) => {
      if (error === null) resolve(bytes)
      else reject(error)
    })
  })
  return { request, response, budget, body }
}

describe('readBody', () => {
  test('puts a body together however it is cut', async () => {
    const text = Buffer.from(`"${'0123456789'.repeat(5_000)}"`)
    for (const size of [1, 7, 1000, 16_384, 30_000, text.length]) {
      const { request, body } = read()
      for (let at = 0; at < text.length; at += size) request.emit('data', text.subarray(at, at + size))
      request.emit('end')
      assert.ok((await body)?.equals(text), `in pieces of ${size}`)
    }
  })

  test('keeps bytes, not pieces: a million of one byte take no more than a megabyte or two', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as NodeJS.GCFunction
    const used = (): number => {
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const { request } = read()
    const before = used()
    for (let i = 0; i < 1_000_000; i++) request.emit('data', Buffer.from([0x20]))
    const taken = used() - before
    assert.ok(taken < 4 * 1024 * 1024, `${taken} bytes`)
    // It was alive all the time.
    assert.equal(request.listenerCount('data'), 1)
  })

  test('takes room from the budget as bytes come, and gives it back once, with the answer', async () => {
    const { request, response, budget, body } = read({ headers: { 'content-length': '50000' } })
    assert.equal(budget.heldBytes, 0)
    request.emit('data', Buffer.alloc(10_000))
    assert.equal(budget.heldBytes, 0, 'a small body is not counted')
    request.emit('data', Buffer.alloc(40_000))
    assert.equal(budget.heldBytes, 50_000)
    request.emit('end')
    await body
    assert.equal(budget.heldBytes, 50_000)
    response.emit('close')
    assert.equal(budget.heldBytes, 0)
  })

  test('gives the room back after a refusal, and after a body that was cut', async () => {
    for (const [end, options] of [
      [(request: Request) => request.emit('error', new Error('aborted')), {}],
      [(request: Request) => request.emit('data', Buffer.alloc(90_000)), { limit: 100_000 }],
      [(request: Request) => request.emit('data', Buffer.alloc(90_000)), { room: 100_000 }],
      [(request: Request) => request.emit('data', Buffer.alloc(30_000, '[')), {}],
      [(request: Request) => request.emit('end'), { headers: { 'content-length': '60001' } }],
    ] as const) {
      const { request, response, budget, body } = read(options)
      request.emit('data', Buffer.alloc(60_000))
      end(request)
      await assert.rejects(body)
      assert.equal(request.listenerCount('data'), 0)
      assert.ok(budget.heldBytes >= 60_000)
      response.emit('close')
      assert.equal(budget.heldBytes, 0)
    }
  })
})
