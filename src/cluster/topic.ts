/** What all nodes with one cookie have in common, and may be told to those who have it not: whoever wants the cookie of it pays for scrypt at each guess. */
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8Encode } from '../lib/index.ts'
import { deriveCookieKey } from '../net/index.ts'

const PURPOSE = utf8Encode('aspen gossip topic 1\0')

/** 32 bytes. */
export async function deriveTopic(cookie: string): Promise<Uint8Array> {
  return blake3(concatBytes([PURPOSE, await deriveCookieKey(cookie)]))
}
