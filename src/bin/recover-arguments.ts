/** The command line of `aspen-node recover`: its own flags, and the node's. */
import { ConfigError } from '../cluster/config/index.ts'

export interface RecoverArguments {
  /** The id of the cluster that is given up, when it was given. */
  readonly confirm: string | null
  readonly evenIfOthersRun: boolean
  readonly evenALearner: boolean
  /** The settings of the node. */
  readonly rest: readonly string[]
}

export const RECOVER_HELP = `Usage: aspen-node recover --from-survivor <the node's usual settings>

When the majority of the voters is gone for good: makes a new cluster, of this node alone, from what is on its
disk. The node must not run. What the lost nodes acknowledged without this one is lost with them.

It reads a copy of the data directory, shows what is there and what may be lost, and asks for the id of the old
cluster. Then the node has a new key and a new cluster id, by which members of the old cluster are refused; what
was in the data directory is kept in its folder set-aside-1. All of the log counts, since it may have been
acknowledged. Other nodes join with empty data directories.

Interrupted, by kill -9 too, it goes on when it is run again, or has changed nothing.

  --from-survivor        says that this is what is wanted
  --confirm CLUSTER_ID   the id of the old cluster, where nobody can be asked
  --even-if-others-run   although members of the old cluster run: they go on without what happens here
  --even-a-learner       from a node that does not vote: it may lack what was acknowledged
`

const SWITCHES = ['--from-survivor', '--even-if-others-run', '--even-a-learner'] as const
const CONFIRM = '--confirm'

/** @param argv what follows the word `recover` @throws ConfigError */
export function readRecoverArguments(argv: readonly string[]): RecoverArguments {
  const given = new Set<string>()
  const rest: string[] = []
  let confirm: string | null = null
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    if ((SWITCHES as readonly string[]).includes(word)) given.add(word)
    else if (word === CONFIRM) confirm = argv[++at] ?? ''
    else if (word.startsWith(`${CONFIRM}=`)) confirm = word.slice(CONFIRM.length + 1)
    else rest.push(word)
  }
  if (!given.has('--from-survivor'))
    throw new ConfigError(
      'recover gives a cluster up: say --from-survivor if that is meant; aspen-node recover --help says what it does',
    )
  if (confirm !== null && !/^[0-9a-f]{8,}$/.test(confirm))
    throw new ConfigError(`flag --confirm: ${JSON.stringify(confirm)} is not the id of a cluster: the run without it shows that`)
  return { confirm, evenIfOthersRun: given.has('--even-if-others-run'), evenALearner: given.has('--even-a-learner'), rest }
}
