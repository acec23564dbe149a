import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { Listener } from './listener.ts'
import { systemClock } from '../link/index.ts'

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
