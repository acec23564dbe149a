/** The life of `aspen-node recover`. */
import type { Readable, Writable } from 'node:stream'
import { createInterface } from 'node:readline'
import { FoundingError, recover } from '../cluster/index.ts'
import type { Survivor } from '../cluster/index.ts'
import type { NodeConfig } from '../cluster/config/index.ts'
import { drawClusterId } from '../cluster/index.ts'
import { EXIT } from './exit-code.ts'
import type { ProcessHost } from './node-program.ts'
import type { RecoverArguments } from './recover-arguments.ts'

/** Puts a question to a person, and gives the answer in one line; an empty one when there is none. */
export type Ask = (question: string) => Promise<string>

/** Whoever ends the input, or presses Control-C, has not answered. */
export function askAt(input: Readable, output: Writable): Ask {
  return (question) =>
    new Promise((resolve) => {
      const terminal = createInterface({ input, output })
      terminal.once('SIGINT', () => terminal.close())
      terminal.once('close', () => resolve(''))
      terminal.question(question, (answer) => {
        resolve(answer.trim())
        terminal.close()
      })
    })
}

/** Null where nobody can be asked. */
function askHere(): Ask | null {
  const { stdin, stdout } = process
  return stdin.isTTY && stdout.isTTY ? askAt(stdin, stdout) : null
}

/** Resolves once the process has been told to exit. A signal ends it at once: what it does can be gone on with. */
export async function runRecover(
  host: ProcessHost,
  config: NodeConfig,
  flags: RecoverArguments,
  ask: Ask | null = askHere(),
): Promise<void> {
  const name = `aspen-node recover ${config.nodeId}`
  const print = (line: string): void => host.print(`${name}: ${line}`)
  host.onSignal((signal) => host.exit(EXIT[signal]))
  const confirm = async (survivor: Survivor): Promise<string | null> => {
    for (const line of describeSurvivor(config.nodeId, survivor)) print(line)
    if (flags.confirm !== null) return flags.confirm
    if (ask === null) {
      print(`nobody can be asked here: to go on, run it again with --confirm ${survivor.clusterId}`)
      return null
    }
    const answer = await ask(`To give this cluster up, type its id (${survivor.clusterId}); anything else changes nothing: `)
    return answer === '' ? null : answer
  }
  try {
    const { evenIfOthersRun, evenALearner } = flags
    await recover({ config, evenIfOthersRun, evenALearner, confirm, drawClusterId, now: Date.now, say: print })
    host.exit(EXIT.OK)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    host.complain(`${name}: ${error instanceof FoundingError ? reason : `${reason}. Run the same command again`}`)
    host.exit(EXIT.FAILURE)
  }
}

export function describeSurvivor(nodeId: number, survivor: Survivor): string[] {
  const { clusterId, membership, term, last, appliedIndex, keys, bytes, findings } = survivor
  const others = membership.members.filter(({ id }) => id !== nodeId)
  const unsure = last.index - appliedIndex
  return [
    `cluster ${clusterId}: voters ${list(membership.voters)}, learners ${list(membership.learners)}${membership.outgoing.length > 0 ? `, in the middle of a change from voters ${list(membership.outgoing)}` : ''}`,
    `on this disk: the log up to entry ${last.index} of term ${last.term}, in term ${term}; ${keys} keys, ${bytes} bytes of keys and values`,
    ...findings.map((finding) => `found on this disk: ${finding}`),
    unsure === 0
      ? 'all of it was committed'
      : `of that, entries up to ${appliedIndex} are known to be committed; the ${unsure} behind them count too, since they may have been acknowledged`,
    `lost for good is what was acknowledged by ${others.map(({ id }) => `node ${id}`).join(' and ')} and never came here: nobody can say how much that is`,
    `left behind, and refused from then on: ${others.map(({ id, endpointId }) => `node ${id} (key ${endpointId.slice(0, 16)}...)`).join(', ')}`,
  ]
}

function list(ids: readonly number[]): string {
  return ids.length === 0 ? 'none' : ids.join(', ')
}
