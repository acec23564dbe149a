import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IrohSocket } from './iroh-socket.ts'
import { WORKER_WINDOW_BYTES } from './worker-messages.ts'
import type { ToWorker } from './worker-messages.ts'

function open(): { readonly socket: IrohSocket; readonly posted: ToWorker[] } {
  const posted: ToWorker[] = []
  const socket = new IrohSocket({ id: 2, remote: null, relayed: false }, (message) => posted.push(message))
  return { socket, posted }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const sum = (posted: readonly ToWorker[], type: 'write' | 'credit'): number =>
  posted.reduce(
    (total, each) => (each.type !== type ? total : total + (each.type === 'write' ? each.bytes.length : each.bytes)),
    0,
  )

test('IrohSocket: no more than a window is on its way to the process', async () => {
  const { socket, posted } = open()
  for (let i = 0; i < 100; i++) socket.write(new Uint8Array(10_000))
  await settle()
  const first = sum(posted, 'write')
  assert.ok(first >= WORKER_WINDOW_BYTES && first < WORKER_WINDOW_BYTES + 10_000, `${first} bytes`)
  socket.hear({ type: 'written', id: 2, bytes: first })
  await settle()
  assert.ok(sum(posted, 'write') > first)
  socket.destroy()
})

test('IrohSocket: who reads nothing is sent no more than a window, and the rest when it reads', async () => {
  const { socket, posted } = open()
  for (let sent = 0; sent < WORKER_WINDOW_BYTES; sent += 16_384)
    socket.hear({ type: 'bytes', id: 2, bytes: new Uint8Array(16_384) })
  await settle()
  const early = sum(posted, 'credit')
  assert.ok(early < WORKER_WINDOW_BYTES / 2, `${early} bytes`)
  let read = 0
  socket.on('data', (chunk: Uint8Array) => (read += chunk.length))
  await settle()
  assert.equal(read, WORKER_WINDOW_BYTES)
  assert.ok(sum(posted, 'credit') > WORKER_WINDOW_BYTES / 2)
  socket.destroy()
})

test('IrohSocket: its end waits until the peer has everything, and its loss says why', async () => {
  const { socket, posted } = open()
  let isFinished = false
  socket.end(new Uint8Array(5), () => (isFinished = true))
  await settle()
  assert.deepEqual(
    posted.map(({ type }) => type),
    ['write', 'finish'],
  )
  assert.equal(isFinished, false)
  socket.hear({ type: 'finished', id: 2 })
  await settle()
  assert.equal(isFinished, true)
  const lost = open()
  const errors: string[] = []
  lost.socket.on('error', ({ message }) => errors.push(message))
  lost.socket.hear({ type: 'gone', id: 2, code: 'ABORTED', message: 'timed out' })
  await settle()
  assert.deepEqual(errors, ['timed out'])
  assert.deepEqual(lost.posted, [], 'what is gone is not dropped')
})
