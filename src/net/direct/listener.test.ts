import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { Listener } from './listener.ts'
import { generateIdentity, systemClock } from '../link/index.ts'
import { createLinkContext } from './tls-context.ts'
import { WHO_LISTENS_PROTOCOL, whoListens } from './who-listens.ts'

test(
  'Listener: a crowd from one address pushes out its own, and not whoever comes from another',
  { skip: process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8' },
  async () => {
    const rejections: string[] = []
    const listener = new Listener({
      context: createSecureContext(),
      clock: systemClock,
      handshakeTimeoutMs: 60_000,
      maxConnections: 100,
      maxPendingConnections: 4,
      rejected: (reason) => rejections.push(reason),
    })
    const port = await listener.listen('127.0.0.1', 0)
    const open = async (localAddress: string): Promise<Socket> => {
      const socket = connect({ port, host: '127.0.0.1', localAddress })
      await once(socket, 'connect')
      return socket
    }
    const honest = await open('127.0.0.2')
    const crowd: Socket[] = []
    for (let i = 0; i < 10; i++) crowd.push(await open('127.0.0.1'))
    const closed = (): number => crowd.filter((socket) => socket.readyState !== 'open').length
    while (closed() < 7) await once(crowd.find((socket) => socket.readyState === 'open') ?? assert.fail(), 'close')
    assert.equal(honest.readyState, 'open')
    assert.deepEqual(
      rejections,
      Array.from({ length: 7 }, () => 'OVERLOADED'),
    )
    for (const socket of [honest, ...crowd]) socket.destroy()
    listener.close()
  },
)

test('whoListens: says whose an address is; the node there takes it for no attack, and goes no further', async (t) => {
  const identity = generateIdentity()
  const rejections: string[] = []
  const listener = new Listener({
    context: createLinkContext(identity),
    clock: systemClock,
    handshakeTimeoutMs: 60_000,
    maxConnections: 100,
    maxPendingConnections: 4,
    rejected: (reason) => rejections.push(reason),
  })
  listener.route('x/1', () => assert.fail('it was let in'))
  const port = await listener.listen('127.0.0.1', 0)
  t.after(() => listener.close())
  const host = '127.0.0.1'
  for (let i = 0; i < 10; i++) assert.equal(await whoListens({ host, port }, WHO_LISTENS_PROTOCOL, 60_000), identity.endpointId)
  while (listener.stats.open > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([rejections, listener.stats.refused, listener.stats.pending], [[], 0, 0])
  assert.equal(await whoListens({ host, port: 1 }, WHO_LISTENS_PROTOCOL, 60_000), undefined)
})
