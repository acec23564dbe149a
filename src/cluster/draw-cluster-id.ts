import { randomBytes } from 'node:crypto'

const CLUSTER_ID_BYTES = 16

/** The id of a cluster that nobody has heard of: 128 random bits, in hexadecimal. */
export function drawClusterId(): string {
  return randomBytes(CLUSTER_ID_BYTES).toString('hex')
}
