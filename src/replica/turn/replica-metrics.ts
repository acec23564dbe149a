import type { Counter, Histogram, Metrics } from '../../ports/index.ts'
import type { ForwardRequest } from '../../wire/index.ts'
import type { UnknownPart } from '../../wire/index.ts'

/** What a replica counts, looked up once. */
export interface ReplicaMetrics {
  readonly sync: Histogram
  readonly batch: Histogram
  readonly apply: Histogram
  readonly applyBatch: Histogram
  readonly proposals: Counter
  readonly reads: Counter
  readonly heldCheckpoints: Counter
  readonly digestDisputes: Counter
  readonly stateDamage: Counter
  readonly forwarded: Readonly<Record<ForwardRequest['operation'], Counter>>
  /** Messages of peers that were not taken in, by why. */
  readonly refused: Readonly<Record<'malformed' | 'stranger' | 'cluster' | UnknownPart, Counter>>
}

export function openReplicaMetrics(metrics: Metrics): ReplicaMetrics {
  const forwarded = (operation: string): Counter => metrics.counter('aspen_forwarded_requests_total', { operation })
  const refused = (reason: string): Counter => metrics.counter('aspen_peer_messages_refused_total', { reason })
  return {
    sync: metrics.histogram('aspen_log_sync_duration_seconds'),
    batch: metrics.histogram('aspen_log_batch_entries'),
    apply: metrics.histogram('aspen_apply_duration_seconds'),
    applyBatch: metrics.histogram('aspen_apply_batch_entries'),
    proposals: metrics.counter('aspen_proposals_total'),
    reads: metrics.counter('aspen_reads_total'),
    stateDamage: metrics.counter('aspen_state_damage_total'),
    heldCheckpoints: metrics.counter('aspen_held_checkpoints_total'),
    digestDisputes: metrics.counter('aspen_state_disputes_total'),
    forwarded: { write: forwarded('write'), admin: forwarded('admin'), found: forwarded('found') },
    refused: {
      malformed: refused('malformed'),
      stranger: refused('stranger'),
      cluster: refused('cluster'),
      channel: refused('channel'),
      group: refused('group'),
      message: refused('message'),
    },
  }
}
