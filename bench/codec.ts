/** The codecs of `src/wire`, on one core: a Set with 100 bytes of value, an append of 100 of them, and a heartbeat. */
import { decodeEnvelope, encodeEnvelope, toCommand } from '../src/commands/index.ts'
import type { NewEnvelope } from '../src/commands/index.ts'
import { concatBytes } from '../src/lib/index.ts'
import { decodePeerMessage, encodePeerMessage } from '../src/wire/index.ts'
import type { PeerMessage } from '../src/wire/index.ts'
import { measure, repeatFor } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { entriesFrom, setOf } from './workload.ts'

const ENTRIES = 100
/** One value takes too little time to read the clock after each. */
const VALUES_A_RUN = 100

interface Sample {
  readonly what: string
  readonly bytes: number
  readonly encode: () => unknown
  readonly decode: () => unknown
}

function sampleOf(what: string, message: PeerMessage): Sample {
  const bytes = concatBytes(encodePeerMessage(message))
  return { what, bytes: bytes.length, encode: () => encodePeerMessage(message), decode: () => decodePeerMessage(bytes) }
}

function createSamples(): Sample[] {
  const envelope: NewEnvelope = { origin: null, command: toCommand(setOf(1)) }
  const payload = encodeEnvelope(envelope)
  const head = { from: 1, to: 2, term: 1, commit: 100_000, incarnation: 123_456_789, round: 500 }
  const range = { prev: { term: 1, index: 100_000 }, count: ENTRIES, entries: entriesFrom(100_001, ENTRIES) }
  return [
    {
      what: 'a Set',
      bytes: payload.length,
      encode: () => encodeEnvelope(envelope),
      decode: () => decodeEnvelope(payload),
    },
    sampleOf(`an append of ${ENTRIES}`, { type: 'raft', message: { type: 'append', ...head, ...range } }),
    sampleOf('a heartbeat', { type: 'raft', message: { type: 'heartbeat', ...head } }),
  ]
}

export async function benchmarkCodec(budget: Budget, report: Report): Promise<void> {
  for (const { what, bytes, encode, decode } of createSamples()) {
    for (const [verb, convert] of [
      ['encode', encode],
      ['decode', decode],
    ] as const) {
      const point = { benchmark: 'codec', point: `${verb} ${what} (${bytes} B)`, unit: 'values' }
      const run = (durationMs: number) =>
        repeatFor(durationMs, () => {
          for (let i = 0; i < VALUES_A_RUN; i++) convert()
          return VALUES_A_RUN
        })
      report(await measure(budget, point, run))
    }
  }
}
