import { describeTransport } from './transport.ts'
import { createSimWorld } from './transport-sim-world.ts'

/** The simulated network finds a node by its key, asks for no cookie, has one bound for all queues, and a node that has closed hears no more of it. */
const UNKNOWN_THERE = new Set([
  'connect: uses the addresses given last, and tries each of them',
  'connect: waits without dialling when there is no address',
  'connect: is refused by both sides when the cookies differ',
  'connect: takes nobody for the peer who has not the peer\u2019s key',
  'connect: names an address that is the node\u2019s own, and ignores its own key',
  'disconnect: stops dialling',
  'send: says false when the queue is full, delivers what it took, and takes more afterwards',
  'close: ends every link gracefully and leaves nobody listening',
])

describeTransport('in simulation', createSimWorld, UNKNOWN_THERE)
