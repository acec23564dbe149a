/** Consensus messages and effects as lines a person can read. */
import type { Effects, Entry, LogId, Membership, Message } from '../../src/raft/index.ts'

const id = ({ index, term }: LogId): string => `${index}@${term}`

export function describeMembership({ voters, outgoing, learners }: Membership): string {
  const joint = outgoing.length > 0 ? ` leaving (${outgoing.join(' ')})` : ''
  const extra = learners.length > 0 ? ` learners (${learners.join(' ')})` : ''
  return `voters (${voters.join(' ')})${joint}${extra}`
}

export function describeEntry(entry: Entry): string {
  if (entry.membership !== undefined) return `${id(entry)} [${describeMembership(entry.membership)}]`
  return entry.kind === 'noop' ? `${id(entry)} noop` : `${id(entry)} "${new TextDecoder().decode(entry.payload)}"`
}

const entries = (list: readonly Entry[]): string => list.map(describeEntry).join(', ')

function describeBody(message: Message): string {
  const round = 'round' in message && message.round > 0 ? ` round ${message.round}` : ''
  switch (message.type) {
    case 'vote':
      return `${message.preVote ? 'pre-vote' : 'vote'}? log ${id(message.lastLog)}${message.transfer ? ' (transfer)' : ''}`
    case 'vote-response':
      return `${message.preVote ? 'pre-vote' : 'vote'} ${message.granted ? 'granted' : 'refused'}`
    case 'append':
      return `append after ${id(message.prev)} (${entries(message.entries)}) commit ${message.commit}${round}`
    case 'append-response':
      return message.success
        ? `appended to ${message.match}${round}`
        : `append after ${message.rejected} refused, try ${id(message.hint)}${round}`
    case 'heartbeat':
      return `heartbeat commit ${message.commit}${round}`
    case 'heartbeat-response':
      return `alive${round}`
    case 'snapshot':
      return `snapshot ${id(message.snapshot.last)} [${describeMembership(message.snapshot.membership)}]`
    case 'timeout-now':
      return 'campaign now'
    case 'read-index':
      return `read? #${message.context}`
    case 'read-index-response':
      return message.index === 0 ? `read #${message.context} not here` : `read #${message.context} at ${message.index}`
  }
}

export function describeMessage(message: Message): string {
  return `${message.from}->${message.to} term ${message.term} ${describeBody(message)}`
}

/** One line for each thing a batch of effects asks for. */
export function describeEffects(effects: Effects): string[] {
  const lines: string[] = []
  const { role, restore, persist, apply } = effects
  if (role !== undefined) lines.push(`role ${role.role}, term ${role.term}, leader ${role.leader ?? 'none'}`)
  if (restore !== undefined) lines.push(`restore ${id(restore.last)}`)
  if (persist?.hardState !== undefined)
    lines.push(`persist term ${persist.hardState.term} vote ${persist.hardState.votedFor ?? 'none'}`)
  if (persist?.truncateFrom !== undefined) lines.push(`persist cut from ${persist.truncateFrom}`)
  if (persist !== undefined && persist.append.length > 0) lines.push(`persist ${entries(persist.append)}`)
  for (const message of effects.send) lines.push(`send ${describeMessage(message)}`)
  for (const message of effects.sendOncePersisted) lines.push(`once persisted ${describeMessage(message)}`)
  if (apply !== undefined)
    lines.push(apply.first === apply.last ? `apply ${apply.first}` : `apply ${apply.first} to ${apply.last}`)
  for (const { ticket, index } of effects.reads) lines.push(`read ticket ${ticket} at ${index}`)
  for (const to of effects.snapshots) lines.push(`send a snapshot to ${to}`)
  return lines
}
