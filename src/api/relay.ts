import { MAX_RELAY_URL_SIZE } from '../limits.ts'

/** Of a relay: http or https, a host, and no user, whose password would be told to everybody. */
const RELAY_URL = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[^\s/@?#\\:[\]]+)(?::\d{1,5})?(?:[/?#][^\s\\]*)?$/i

export function isRelayUrl(text: string): boolean {
  return text.length <= MAX_RELAY_URL_SIZE && RELAY_URL.test(text)
}
