/**
 * What a node has signed for whoever knows its key: a mutable item of BEP 44 without a salt, as pkarr has it. The sequence is the time of day in
 * microseconds, so that a later record is a newer one, also after a restart.
 */
import { concatBytes, utf8Encode } from '../../lib/index.ts'
import { MAX_PKARR_PAYLOAD_SIZE, MAX_PKARR_VALUE_SIZE } from '../../limits.ts'
import type { Signatures } from '../../ports/index.ts'

const SIGNATURE_SIZE = 64
const SEQUENCE_SIZE = 8

export interface SignedRecord {
  /** Microseconds since 1970. */
  readonly sequence: number
  /** A DNS message. */
  readonly value: Uint8Array
  readonly signature: Uint8Array
}

/** BEP 44: what the signature is of. */
export function signedBytes({ sequence, value }: Pick<SignedRecord, 'sequence' | 'value'>): Uint8Array {
  return concatBytes([utf8Encode(`3:seqi${sequence}e1:v${value.length}:`), value])
}

export function signRecord(signatures: Signatures, sequence: number, value: Uint8Array): SignedRecord {
  return { sequence, value, signature: signatures.sign(signedBytes({ sequence, value })) }
}

export function isSignedBy(endpointId: string, record: SignedRecord, signatures: Signatures): boolean {
  const { sequence, value, signature } = record
  if (!(Number.isSafeInteger(sequence) && sequence >= 0) || value.length > MAX_PKARR_VALUE_SIZE) return false
  return signatures.verify(endpointId, signedBytes(record), signature)
}

/** The body that relays take: signature, sequence, value. */
export function toPayload({ sequence, value, signature }: SignedRecord): Buffer {
  const number = Buffer.alloc(SEQUENCE_SIZE)
  number.writeBigUInt64BE(BigInt(sequence))
  return Buffer.concat([signature, number, value])
}

/** Null for what is no such body. Who signed it is another question. */
export function fromPayload(bytes: Buffer): SignedRecord | null {
  if (bytes.length < SIGNATURE_SIZE + SEQUENCE_SIZE || bytes.length > MAX_PKARR_PAYLOAD_SIZE) return null
  const sequence = Number(bytes.readBigUInt64BE(SIGNATURE_SIZE))
  if (!Number.isSafeInteger(sequence)) return null
  return { sequence, value: bytes.subarray(SIGNATURE_SIZE + SEQUENCE_SIZE), signature: bytes.subarray(0, SIGNATURE_SIZE) }
}
