/** The command line of `aspen-node rejoin`: its own flags, and the node's. */
import { ConfigError } from '../cluster/config/index.ts'
import { isNodeUrl } from './node-access.ts'

export interface RejoinArguments {
  /** URLs of members that run. */
  readonly via: readonly string[]
  readonly evenIfSound: boolean
  /** The settings of the node. */
  readonly rest: readonly string[]
}

export const REJOIN_HELP = `Usage: aspen-node rejoin --via URL [--via URL ...] <the node's usual settings>

Brings back a member of the cluster that refuses to start, or has lost its disk. The node must not run, and
the other voters must have a majority of all voters, this node included.

It keeps what is in the data directory in its folder set-aside-1, makes a new key, has the cluster remove the
old member and add the new key as a learner, fetches log and state from the peers, becomes a voter again if it
was one, and ends. A voter that has lost its memory must not vote under its old key: it might take back a
promise. The old member is removed first, so that the two never count together.

Interrupted, by kill -9 too, it goes on when it is run again.

  --via URL          the HTTP address of a member that runs; may be repeated, or separated by commas
  --even-if-sound    replace the data although nothing is found wrong with it
`

/** @param argv what follows the word `rejoin` @throws ConfigError */
export function readRejoinArguments(argv: readonly string[]): RejoinArguments {
  const via: string[] = []
  const rest: string[] = []
  let evenIfSound = false
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (word === '--even-if-sound') evenIfSound = true
    else if (word === '--via') via.push(...urls(argv[++i]))
    else if (word.startsWith('--via=')) via.push(...urls(word.slice('--via='.length)))
    else rest.push(word)
  }
  if (via.length === 0) {
    throw new ConfigError(
      'rejoin needs the HTTP address of a member that runs: give --via http://HOST:PORT, for each that you know',
    )
  }
  return { via, evenIfSound, rest }
}

function urls(text: string | undefined): string[] {
  const given = (text ?? '').split(',').filter((part) => part !== '')
  const wrong = given.find((url) => !isNodeUrl(url))
  if (given.length === 0 || wrong !== undefined) {
    throw new ConfigError(
      `flag --via: ${JSON.stringify(wrong ?? text ?? '')} is not the HTTP address of a node: give http://HOST:PORT`,
    )
  }
  return given
}
