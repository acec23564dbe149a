/** Programs of a fleet's node beside the one that runs: what they say, and how they end. */
import { startChild } from '../../tools/cluster/child.ts'
import type { Child } from '../../tools/cluster/child.ts'
import { nodeCommand } from '../../tools/cluster/node-plan.ts'
import type { NodePlan } from '../../tools/cluster/node-plan.ts'

const END_TIMEOUT_MS = 60_000

export interface EndedProgram {
  /** In words, such as "exited with 1". */
  readonly how: string
  /** Standard output and error. */
  readonly output: string
}

/** The end of a program that ends by itself; one that does not is killed. */
export async function ended(child: Child): Promise<EndedProgram> {
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS)
  const how = await child.exit
  clearTimeout(timer)
  // What it wrote last may still be in the pipe.
  await new Promise((resolve) => setImmediate(resolve))
  return { how, output: child.output() }
}

/** The node's own command line. */
export function startNode(plan: NodePlan): Child {
  return startChild(`node ${plan.nodeId}`, nodeCommand(plan), ['ignore', 'pipe', 'pipe'])
}

/** The command that brings a member back, with the node's own settings. */
export function startRejoin(plan: NodePlan, via: readonly string[], ...more: readonly string[]): Child {
  const [node, program, ...settings] = nodeCommand(plan)
  const flags = via.flatMap((url) => ['--via', url])
  return startChild(
    `rejoin ${plan.nodeId}`,
    [node, program as string, 'rejoin', ...flags, ...more, ...settings],
    ['ignore', 'pipe', 'pipe'],
  )
}

/** The command that founds a cluster anew from what one node has, with the node's own settings. */
export function startRecover(plan: NodePlan, ...more: readonly string[]): Child {
  const [node, program, ...settings] = nodeCommand(plan)
  const command = [node, program as string, 'recover', '--from-survivor', ...more, ...settings] as const
  return startChild(`recover ${plan.nodeId}`, command, ['ignore', 'pipe', 'pipe'])
}
