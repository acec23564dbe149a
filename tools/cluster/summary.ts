import type { Child } from './child.ts'
import type { PreparedCluster } from './prepare.ts'
import { nodeCommand, nodeUrl, shellLine } from './node-plan.ts'

const JSON_HEADER = "-H 'Content-Type: application/json'"

function keeping({ dataDir, isTemporary, plans }: PreparedCluster): string {
  if (plans[0]?.storage === 'InMemory') return 'in memory: a node forgets everything when it ends'
  return isTemporary
    ? `durable, in ${dataDir}, which is removed at the end (ASPEN_DATA_DIR keeps one)`
    : `durable, in ${dataDir}, which is kept and used again by the next run with the same ASPEN_DATA_DIR`
}

/** What a person needs to know once the cluster serves. */
export function summary(cluster: PreparedCluster, children: readonly Child[], leader: number): string {
  const { plans } = cluster
  const [first] = plans as [(typeof plans)[0], ...typeof plans]
  const nodes = plans.map((plan) => `  node ${plan.nodeId}  ${nodeUrl(plan)}${plan.nodeId === leader ? '  leader' : ''}`)
  const lines = plans.map(
    (plan, index) => `  node ${plan.nodeId}, pid ${children[index]?.pid}:\n    ${shellLine(nodeCommand(plan))}`,
  )
  return `
Aspen: ${plans.length} ${plans.length === 1 ? 'node' : 'nodes'}, all voters; data ${keeping(cluster)}
${nodes.join('\n')}

Any node takes any request:
  curl -X POST ${nodeUrl(first)}/write ${JSON_HEADER} -d '{"command":{"Set":{"key":"hello","value":"world"}}}'
  curl -X POST ${nodeUrl(plans.at(-1) ?? first)}/read ${JSON_HEADER} -d '{"key":"hello"}'

Kill a node, and start it again with its line:
${lines.join('\n')}

Connect TUI with: aspen-tui ${plans.map((plan) => `--nodes ${nodeUrl(plan)}`).join(' ')} (a later version brings it)
Ctrl-C stops the nodes that this command has started.
`
}
