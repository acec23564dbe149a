/** The command lines of `aspen-node backup`, `verify-backup` and `restore`. */
import { ConfigError } from '../cluster/config/index.ts'
import { readNodeAccess, splitFlag, valueOf } from './node-access.ts'
import type { NodeAccess, Surroundings } from './node-access.ts'

export const BACKUP_HELP = `Usage: aspen-node backup --out FILE [--local] [--http URL] [--token TEXT | --token-file FILE]

Writes a consistent backup of the cluster into a file: everything that was acknowledged before. Writes go on
meanwhile. The file is whole, verified and durable when it has its name.

  --out FILE         the file, which must not exist; - for standard output, unverified
  --local            of that node alone, where there is no leader: what others had committed may be missing
  --http URL         the HTTP address of a node; http://127.0.0.1:8080 when absent. For https with a certificate of
                     your own: NODE_EXTRA_CA_CERTS=FILE in the environment
  --token TEXT       the bearer token of its HTTP API; ASPEN_HTTP_TOKEN when absent. Others on this machine see what stands here
  --token-file FILE  the file that holds it
`

export const VERIFY_BACKUP_HELP = `Usage: aspen-node verify-backup FILE

Reads a backup from end to end and says what is in it; or what is wrong with it, and at which byte. Needs no cluster.
`

export const RESTORE_HELP = `Usage: aspen-node restore --from FILE <the node's usual settings>

Founds a new cluster, of this node alone, from a backup, in an empty data directory: with a new cluster id, and
revisions that jump. All of the file is read before anything counts. Start the node as usual then; others join with
empty data directories. Interrupted, by kill -9 too, it goes on when it is run again, or has changed nothing.

  --from FILE   the backup
`

export interface BackupArguments extends NodeAccess {
  readonly out: string
  readonly local: boolean
}

/** @param argv what follows the word `backup` @throws ConfigError */
export function readBackupArguments(argv: readonly string[], surroundings: Surroundings): BackupArguments {
  let out = ''
  let local = false
  const access = readNodeAccess('backup', argv, surroundings, (flag, inline, next) => {
    if (flag === '--local' && inline === undefined) local = true
    else if (flag === '--out') out = inline ?? valueOf(next(), flag)
    else return false
    return true
  })
  if (out === '') throw new ConfigError('backup needs a file to write: give --out FILE, or --out - for standard output')
  return { ...access, out, local }
}

/** @param argv what follows the word `verify-backup` @throws ConfigError */
export function readVerifyArguments(argv: readonly string[]): string {
  const [file] = argv
  if (file !== undefined && argv.length === 1 && !file.startsWith('--')) return file
  throw new ConfigError('verify-backup takes the file of one backup')
}

export interface RestoreArguments {
  readonly from: string
  /** The settings of the node. */
  readonly rest: readonly string[]
}

/** @param argv what follows the word `restore` @throws ConfigError */
export function readRestoreArguments(argv: readonly string[]): RestoreArguments {
  const rest: string[] = []
  let from = ''
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    const [flag, inline] = splitFlag(word)
    if (flag === '--from') from = inline ?? valueOf(argv[++at], flag)
    else rest.push(word)
  }
  if (from === '') throw new ConfigError('restore needs the file of a backup: give --from FILE')
  return { from, rest }
}
