/**
 * How many values a second the codecs of `src/wire` encode and decode, on one core: a Set with 100 bytes of key and
 * value, an append of 100 such entries, and a heartbeat.
 *
 *     node bench/codec.ts
 */
import os from 'node:os'
import { concatBytes, utf8Encode } from '../src/lib/index.ts'
import type { Envelope } from '../src/api/index.ts'
import type { Entry } from '../src/raft/index.ts'
import { decodeEnvelope, decodePeerMessage, encodeEnvelope, encodePeerMessage, type PeerMessage } from '../src/wire/index.ts'

const ROUNDS = 5
const ROUND_MS = 200
const ENTRIES = 100

const envelope: Envelope = {
  origin: null,
  command: { type: 'batch', operations: [{ type: 'set', key: utf8Encode('key-0001'), value: new Uint8Array(92).fill(120) }] },
}
const payload = encodeEnvelope(envelope)
const head = { from: 1, to: 2, term: 3, commit: 100_000, incarnation: 123_456_789, round: 500 }
const entries = Array.from({ length: ENTRIES }, (_, i): Entry => ({ index: 100_001 + i, term: 3, kind: 'command', payload }))
const append: PeerMessage = {
  type: 'raft',
  message: { type: 'append', ...head, prev: { term: 3, index: 100_000 }, count: ENTRIES, entries },
}
const heartbeat: PeerMessage = { type: 'raft', message: { type: 'heartbeat', ...head } }
const appendBytes = concatBytes(encodePeerMessage(append))
const heartbeatBytes = concatBytes(encodePeerMessage(heartbeat))

/** Runs a second in the best of a few rounds: the machine's other work only ever makes a round slower. */
function bestRate(run: () => unknown): number {
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    let runs = 0
    let elapsed = 0
    while (elapsed < ROUND_MS) {
      for (let i = 0; i < 100; i++) run()
      runs += 100
      elapsed = performance.now() - start
    }
    best = Math.max(best, (runs / elapsed) * 1000)
  }
  return best
}

function report(what: string, bytes: number, run: () => unknown): void {
  const rate = bestRate(run)
  const each = 1e9 / rate
  console.log(
    `${what.padEnd(28)} ${String(bytes).padStart(6)} B ${Math.round(rate).toLocaleString('en').padStart(12)}/s ${each.toFixed(0).padStart(7)} ns`,
  )
}

console.log(
  `${os.cpus()[0]?.model ?? 'unknown processor'}, ${os.availableParallelism()} cores, ${os.type()} ${os.release()}, Node ${process.version}`,
)
report('encode a Set', payload.length, () => encodeEnvelope(envelope))
report('decode a Set', payload.length, () => decodeEnvelope(payload))
report(`encode an append of ${ENTRIES}`, appendBytes.length, () => encodePeerMessage(append))
report(`decode an append of ${ENTRIES}`, appendBytes.length, () => decodePeerMessage(appendBytes))
report('encode a heartbeat', heartbeatBytes.length, () => encodePeerMessage(heartbeat))
report('decode a heartbeat', heartbeatBytes.length, () => decodePeerMessage(heartbeatBytes))
