/** The command line of `aspen-node peers`. */
import { readNodeAccess } from './node-access.ts'
import type { NodeAccess, Surroundings } from './node-access.ts'

export interface PeersArguments extends NodeAccess {
  /** With what each source said, and how the sources are doing. */
  readonly explain: boolean
}

export const PEERS_HELP = `Usage: aspen-node peers [--explain] [--http URL] [--token TEXT | --token-file FILE]

Prints whom a node knows, how it reaches them, and why it does not.

  --explain          also who told the node of each peer, what, and how long ago; and how each of these sources is doing
  --http URL         the HTTP address of the node; http://127.0.0.1:8080 when absent
  --token TEXT       the bearer token of its HTTP API; ASPEN_HTTP_TOKEN when absent. Others on this machine see what stands here
  --token-file FILE  the file that holds it
`

/** @param argv what follows the word `peers` @throws ConfigError */
export function readPeersArguments(argv: readonly string[], surroundings: Surroundings): PeersArguments {
  let explain = false
  const access = readNodeAccess('peers', argv, surroundings, (flag, inline) => {
    if (flag !== '--explain' || inline !== undefined) return false
    explain = true
    return true
  })
  return { ...access, explain }
}
