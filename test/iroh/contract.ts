/** The contract of transports, over iroh. Run by contract.slow.test.ts, in a network namespace. */
import { describeTransport } from '../contracts/transport.ts'
import { createIrohWorld } from '../contracts/transport-iroh-world.ts'

const WITHOUT = new Set([
  // A dial over QUIC where nobody listens is not refused: nothing answers it.
  'refused: follows the loss of a peer that is gone, and its successor is linked again',
  // What is dialled is a key, and an address is a hint: whoever has another key does not answer.
  'connect: takes nobody for the peer who has not the peer’s key',
  'connect: names an address that is the node’s own, and ignores its own key',
])

describeTransport('iroh', createIrohWorld, WITHOUT)
