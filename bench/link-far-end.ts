/** Runs as a thread: sends every message back whose first byte is not 0, and takes in the rest. */
import { parentPort } from 'node:worker_threads'
import { DirectTransport } from '../src/net/index.ts'
import { RAFT_CHANNEL } from '../src/ports/index.ts'
import { linkOptions } from './link-end.ts'
import type { FarEnd } from './link-end.ts'

if (parentPort !== null) {
  const transport = new DirectTransport(linkOptions(2))
  const handler = {
    opened: () => undefined,
    claimed: () => undefined,
    closed: () => undefined,
    refused: () => undefined,
    message: (endpointId: string, bytes: Uint8Array) => {
      if (bytes[0] === 0) return
      if (!channel.send(endpointId, [bytes], 'normal')) throw new Error('the link took no answer')
    },
  }
  const channel = transport.attach(RAFT_CHANNEL, handler)
  await transport.start({ nodeId: 2, clusterId: null, addresses: [], languageVersion: 1 })
  const far: FarEnd = { endpointId: transport.endpointId, addresses: transport.addresses() }
  parentPort.postMessage(far)
}
