/** The sockets of multicast DNS, on loopback alone and on a port of their own. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { MulticastSockets } from '../../src/discovery/index.ts'
import type { Interface } from '../../src/discovery/mdns/index.ts'

const LOOPBACK: Interface = { name: 'lo', address: '127.0.0.1', addresses: ['127.0.0.1'], networks: ['127.0.0.1/8'] }

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

class Node {
  readonly heard: string[] = []
  readonly failed: string[] = []
  readonly sockets: MulticastSockets
  #changed: () => void = () => undefined

  constructor(t: TestContext, port: number) {
    const changed = (): void => this.#changed()
    this.sockets = new MulticastSockets(
      {
        heard: (bytes, from) => {
          this.heard.push(`${from} ${bytes.toString()}`)
          changed()
        },
        failed: (address, error) => {
          this.failed.push(`${address} ${(error as NodeJS.ErrnoException).code}`)
          changed()
        },
        works: changed,
      },
      port,
    )
    t.after(() => this.sockets.close())
  }

  /** Waits for events, however long they take. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#changed = resolve))
  }
}

test('MulticastSockets: whoever shares a port and an interface hears what is said there, from the address of who says it', async (t) => {
  const port = await freePort()
  const [a, b] = [new Node(t, port), new Node(t, port)]
  for (const { sockets } of [a, b]) sockets.use([LOOPBACK])
  // A word may be lost while the others have not joined.
  const speaking = setInterval(() => a.sockets.say('127.0.0.1', Buffer.from('hello')), 10)
  t.after(() => clearInterval(speaking))
  await Promise.all([a, b].map((node) => node.until(() => node.heard.length > 0)))
  assert.equal(b.heard[0], '127.0.0.1 hello')
  // Who uses no interface any more says and hears nothing.
  b.sockets.use([])
  await new Promise<void>((resolve) => setImmediate(resolve))
  b.heard.length = 0
  const before = a.heard.length
  await a.until(() => a.heard.length > before + 5)
  assert.deepEqual([a.failed, b.failed], [[], []])
})

test('MulticastSockets: what was said last has left when it is closed', async (t) => {
  const port = await freePort()
  const [goes, hears, stays] = [new Node(t, port), new Node(t, port), new Node(t, port)]
  for (const { sockets } of [goes, hears, stays]) sockets.use([LOOPBACK])
  const speaking = setInterval(() => goes.sockets.say('127.0.0.1', Buffer.from('hello')), 10)
  t.after(() => clearInterval(speaking))
  await Promise.all([hears, stays].map((node) => node.until(() => node.heard.length > 0)))
  clearInterval(speaking)
  goes.sockets.say('127.0.0.1', Buffer.from('goodbye'))
  await goes.sockets.close()
  // Said later on the same way: it is heard later.
  stays.sockets.say('127.0.0.1', Buffer.from('after'))
  await hears.until(() => hears.heard.includes('127.0.0.1 after'))
  assert.ok(hears.heard.includes('127.0.0.1 goodbye'), hears.heard.join())
})

test('MulticastSockets: a port that another program keeps for itself, and an address that is not there, are told and end nobody', async (t) => {
  const keeper = createSocket('udp4').bind(0, '0.0.0.0')
  await once(keeper, 'listening')
  t.after(() => keeper.close())
  const node = new Node(t, keeper.address().port)
  node.sockets.use([LOOPBACK])
  await node.until(() => node.failed.length >= 2)
  assert.deepEqual(node.failed.toSorted(), ['127.0.0.1 EADDRINUSE', 'null EADDRINUSE'])
  const other = new Node(t, await freePort())
  other.sockets.use([{ name: 'gone', address: '192.0.2.1', addresses: ['192.0.2.1'], networks: ['192.0.2.1/24'] }])
  await other.until(() => other.failed.length > 0)
  assert.match(other.failed.join(), /192\.0\.2\.1 E/)
  // Tried again when it is used again.
  other.sockets.use([LOOPBACK])
  const speaking = setInterval(() => other.sockets.say('127.0.0.1', Buffer.from('x')), 10)
  t.after(() => clearInterval(speaking))
  await other.until(() => other.heard.length > 0)
})
