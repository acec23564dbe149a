import { createHmac } from 'node:crypto'

const PURPOSE = 'aspen mdns scope 1\0'
const DIGITS = 4

/** 16 bits that nodes with one cookie have in common. Whoever hears them learns no more of the cookie than that, at the cost of scrypt for each guess. */
export function mdnsScope(cookieKey: Uint8Array): string {
  return createHmac('sha256', cookieKey).update(PURPOSE).digest('hex').slice(0, DIGITS)
}
