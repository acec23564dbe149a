/** A DHT on loopback, of nodes of another maker: what BitTorrent clients for Node are. */
import { createPublicKey, verify } from 'node:crypto'
import type { TestContext } from 'node:test'
import { Client } from 'bittorrent-dht'

const verifies = (signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean => {
  const x = Buffer.from(key).toString('base64url')
  return verify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature)
}

export interface DhtNodes {
  /** `host:port` of each. */
  readonly addresses: readonly string[]
  readonly nodes: readonly Client[]
  stop(index: number): Promise<void>
}

export async function startDht(t: TestContext, count = 5): Promise<DhtNodes> {
  const nodes: Client[] = []
  const addresses: string[] = []
  const stopped = new Set<Client | undefined>()
  const stop = async (node: Client | undefined): Promise<void> => {
    if (node === undefined || stopped.has(node)) return
    stopped.add(node)
    await new Promise<void>((resolve) => node.destroy(resolve))
  }
  t.after(() => Promise.all(nodes.map(stop)))
  for (let i = 0; i < count; i++) {
    const node = new Client({ bootstrap: i === 0 ? false : [addresses[0] as string], host: '127.0.0.1', verify: verifies })
    nodes.push(node)
    const isReady = new Promise<void>((resolve) => node.once('ready', resolve))
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
    addresses.push(`127.0.0.1:${node.address().port}`)
    await isReady
  }
  return { addresses, nodes, stop: (index) => stop(nodes[index]) }
}
