/**
 * Runs a transcript: lines that begin with `> ` are commands, the indented lines below each are what the cores did.
 * Other lines are prose. See `COMMANDS` for what can be said.
 */
import assert from 'node:assert/strict'
import type { Message, NodeId } from '../../src/raft/index.ts'
import { describeEffects, describeMembership, describeMessage } from './describe.ts'
import { emptyNode, grownNode, HandCluster, memberOf } from './hand-cluster.ts'

type Command = (cluster: HandCluster, words: readonly string[]) => string[]

function number(word: string | undefined): number {
  const value = Number(word)
  assert.ok(Number.isSafeInteger(value), `${word} is not a number`)
  return value
}

/** `name 1 2 other 3` as lists by name. */
function lists(words: readonly string[]): Record<string, number[]> {
  const all: Record<string, number[]> = {}
  let name = ''
  for (const word of words) {
    if (/^\d+$/.test(word)) (all[name] ??= []).push(number(word))
    else all[(name = word)] = []
  }
  return all
}

/** Which messages: `1->2`, `->2`, `1->`, all when there is none; a trailing word names a type. */
function chosen(words: readonly string[]): (message: Message) => boolean {
  const [route, type] = words
  const [from = '', to = ''] = (route ?? '->').split('->')
  return (message) =>
    (from === '' || message.from === number(from)) &&
    (to === '' || message.to === number(to)) &&
    (type === undefined || message.type === type)
}

function take(cluster: HandCluster, id: NodeId): string[] {
  const lines: string[] = []
  for (let effects = cluster.take(id); effects !== undefined; effects = cluster.take(id)) lines.push(...describeEffects(effects))
  return lines.map((line) => `${id}: ${line}`)
}

function status(cluster: HandCluster): string[] {
  return [...cluster.nodes].map(([id, { raft, applied }]) => {
    const log = `log ${raft.lastLog.index}@${raft.lastLog.term}, durable ${raft.persistedIndex}, committed ${raft.commitIndex}, applied ${applied}`
    return `${id}: ${raft.role} term ${raft.term} leader ${raft.leader ?? 'none'}, ${log}, ${describeMembership(raft.membership)}`
  })
}

const COMMANDS: Record<string, Command> = {
  /** nodes ID...: nodes with nothing. */
  nodes: (cluster, words) => {
    for (const id of words.map(number)) cluster.nodes.set(id, emptyNode(id))
    return []
  },
  /** node ID voters ID... terms T... at T: a node with a log, in term T. */
  node: (cluster, [id, ...words]) => {
    const { voters = [], terms = [], at = [] } = lists(words)
    cluster.nodes.set(number(id), grownNode(number(id), voters, terms, at[0] ?? 0))
    return []
  },
  /** found ID with ID... */
  found: (cluster, [id, , ...words]) => {
    cluster.node(number(id)).raft.bootstrap(words.map((word) => memberOf(number(word))))
    return take(cluster, number(id))
  },
  /** timeout ID: an election timeout passes for this node alone. */
  timeout: (cluster, [id]) => {
    cluster.advance(3001, [number(id)])
    return take(cluster, number(id))
  },
  /** tick ID MS */
  tick: (cluster, [id, ms]) => {
    cluster.advance(number(ms), [number(id)])
    return take(cluster, number(id))
  },
  /** hint ID LEADER: the last link to the leader broke, and its port refuses. */
  hint: (cluster, [id, leader]) => {
    cluster.node(number(id)).raft.peerCrashed(number(leader))
    return take(cluster, number(id))
  },
  /** propose ID TEXT... */
  propose: (cluster, [id, ...texts]) => {
    const { raft } = cluster.node(number(id))
    const refused = texts.filter((text) => raft.propose(new TextEncoder().encode(text)) === undefined)
    return [...refused.map((text) => `${id}: refuses "${text}"`), ...take(cluster, number(id))]
  },
  /** read ID */
  read: (cluster, [id]) => {
    const ticket = cluster.node(number(id)).raft.read()
    return [`${id}: read ticket ${ticket}`, ...take(cluster, number(id))].map((line) => line.replace(/^(\d+): read/, '$1: read'))
  },
  /** transfer ID TARGET */
  transfer: (cluster, [id, target]) => {
    const accepted = cluster.node(number(id)).raft.transferLeadership(number(target))
    return [`${id}: ${accepted ? 'hands over' : 'cannot hand over'}`, ...take(cluster, number(id))]
  },
  /** change ID voters ID... learners ID... */
  change: (cluster, [id, ...words]) => {
    const { voters = [], learners = [] } = lists(words)
    const { raft } = cluster.node(number(id))
    const known = new Set(raft.membership.members.map((member) => member.id))
    const newMembers = [...voters, ...learners].filter((member) => !known.has(member)).map(memberOf)
    const outcome = raft.changeMembership({ voters, learners, newMembers })
    return [...(typeof outcome === 'string' ? [`${id}: refused, ${outcome}`] : []), ...take(cluster, number(id))]
  },
  take: (cluster, [id]) => take(cluster, number(id)),
  /** persist ID [COUNT]: the oldest batches become durable. */
  persist: (cluster, [id, count]) => {
    cluster.persist(number(id), count === undefined ? undefined : number(count))
    return take(cluster, number(id))
  },
  /** deliver [FROM->TO] [TYPE] */
  deliver: (cluster, words) => {
    const messages = cluster.deliver(chosen(words))
    const receivers = [...new Set(messages.map((message) => message.to))].sort((a, b) => a - b)
    return [...messages.map(describeMessage), ...receivers.flatMap((id) => take(cluster, id))]
  },
  /** again FROM->TO TYPE: what is on the wire arrives, and stays there too. */
  again: (cluster, words) => {
    const messages = cluster.wire.filter(chosen(words))
    const lines = COMMANDS['deliver']?.(cluster, words) ?? []
    cluster.wire.push(...messages)
    return lines
  },
  /** drop [FROM->TO] [TYPE] */
  drop: (cluster, words) => cluster.drop(chosen(words)).map((message) => `lost: ${describeMessage(message)}`),
  /** settle [without ID...]: everything happens until nothing does; what concerns these nodes is lost. */
  settle: (cluster, words) => {
    const { without = [] } = lists(words)
    cluster.settle(undefined, (message) => without.includes(message.from) || without.includes(message.to))
    return status(cluster)
  },
  /** beat ID: time for a heartbeat. */
  beat: (cluster, [id]) => COMMANDS['tick']?.(cluster, [id ?? '', '500']) ?? [],
  /** crash ID: what is not durable is lost, and so is what it had to say; it starts again. */
  crash: (cluster, [id]) => {
    const node = cluster.node(number(id))
    node.restart()
    return [`${id}: restarted in term ${node.raft.term} with log ${node.raft.lastLog.index}@${node.raft.lastLog.term}`]
  },
  /** purge ID INDEX */
  purge: (cluster, [id, index]) => {
    cluster.node(number(id)).purge(number(index))
    return []
  },
  /** install FROM->TO: the snapshot of FROM has arrived whole at TO. */
  install: (cluster, [route = '']) => {
    const [from, to] = route.split('->').map(number) as [number, number]
    const leader = cluster.node(from)
    cluster.node(to).raft.step({ type: 'snapshot', from, to, term: leader.raft.term, snapshot: leader.snapshot() })
    return take(cluster, to)
  },
  status: (cluster) => status(cluster),
}

/** The transcript with the lines below each command as they are now. */
export function runTranscript(text: string): string {
  const cluster = new HandCluster()
  const out: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('  ')) continue
    out.push(line)
    if (!line.startsWith('> ')) continue
    const [name = '', ...words] = line.slice(2).split(' ')
    const command = COMMANDS[name]
    assert.ok(command !== undefined, `there is no command ${name}`)
    for (const result of command(cluster, words)) out.push(`  ${result}`)
  }
  return out.join('\n')
}
