/** Every metric that the program counts: its name, what it says, its labels. A name that is not here does not compile. */

/** Upper bounds of time histograms, in seconds: from a local read to the request timeout. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** Upper bounds of histograms of how many things a batch holds. */
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

export interface CounterRow {
  readonly type: 'counter'
  readonly help: string
  readonly labels: readonly string[]
  /** Of a single label: the values that are known beforehand, and are shown from the start. Others may come. */
  readonly values?: readonly string[]
}

export interface HistogramRow {
  readonly type: 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets: readonly number[]
}

export type MetricRow = CounterRow | HistogramRow

export const METRIC_TABLE = {
  aspen_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered, by route and status.',
    labels: ['route', 'status'],
  },
  aspen_proposals_total: { type: 'counter', help: 'Writes proposed by this node as leader.', labels: [] },
  aspen_reads_total: { type: 'counter', help: 'Linearizable reads and scans served by this node.', labels: [] },
  aspen_held_checkpoints_total: {
    type: 'counter',
    help: 'Checkpoints of the state that were not complete, because another process reads its database.',
    labels: [],
  },
  aspen_forwarded_requests_total: {
    type: 'counter',
    help: 'Requests handed to the leader, by operation.',
    labels: ['operation'],
    values: ['write', 'admin'],
  },
  aspen_overloaded_total: {
    type: 'counter',
    help: 'Requests refused because something was full, by what was full.',
    labels: ['queue'],
    values: [
      'admin',
      'client_answers',
      'client_link',
      'client_requests',
      'forwarder',
      'http_answers',
      'http_bodies',
      'http_connections',
      'http_pipeline',
      'mailbox',
      'proposals',
      'quota',
      'read_turns',
      'reads',
      'snapshots',
      'backups',
    ],
  },
  aspen_link_opened_total: {
    type: 'counter',
    help: 'Links opened, by who dialled.',
    labels: ['direction'],
    values: ['outbound', 'inbound'],
  },
  aspen_link_closed_total: { type: 'counter', help: 'Links closed, by how.', labels: ['end'] },
  aspen_link_failures_total: { type: 'counter', help: 'Links that failed or could not be made, by reason.', labels: ['code'] },
  aspen_link_rejected_connections_total: {
    type: 'counter',
    help: 'Connections closed before their handshake, by reason.',
    labels: ['reason'],
  },
  aspen_link_dropped_messages_total: {
    type: 'counter',
    help: 'Outgoing messages that found no room in their queue, by lane.',
    labels: ['lane'],
    values: ['priority', 'normal', 'bulk'],
  },
  aspen_actor_messages_total: {
    type: 'counter',
    help: 'Messages of actors, by what became of them: taken into a mailbox, handled, refused at once, or never handled since the actor ended.',
    labels: ['outcome'],
    values: ['taken', 'handled', 'refused', 'unhandled'],
  },
  aspen_actor_registered_messages_total: {
    type: 'counter',
    help: 'Messages of registered actors, by the name of each (64 at most, then "other") and what became of them: handled, or refused at once.',
    labels: ['actor', 'outcome'],
  },
  aspen_actor_registered_restarts_total: {
    type: 'counter',
    help: 'Lives of registered actors behind their first, by the name of each (64 at most, then "other").',
    labels: ['actor'],
  },
  aspen_actor_events_total: { type: 'counter', help: 'What happened to actors: started, failed, killed, ...', labels: ['event'] },
  aspen_actor_messages_refused_total: {
    type: 'counter',
    help: 'Messages of other nodes to actors here that were refused for want of credit, and peers that were cut off from the actors.',
    labels: ['reason'],
    values: ['credit', 'cut_off'],
  },
  aspen_peer_messages_refused_total: {
    type: 'counter',
    help: 'Incoming peer messages refused, by reason.',
    labels: ['reason'],
    values: ['malformed', 'stranger', 'cluster', 'channel', 'group', 'message'],
  },
  aspen_client_messages_refused_total: {
    type: 'counter',
    help: 'Messages of clients for what this node does not have, by what is unknown.',
    labels: ['reason'],
    values: ['channel', 'group'],
  },
  aspen_state_disputes_total: {
    type: 'counter',
    help: 'Entries after which replicas had different states, as this node has heard.',
    labels: [],
  },
  aspen_state_damage_total: {
    type: 'counter',
    help: 'Times that all rows of the state were counted anew and were not those that were written.',
    labels: [],
  },
  aspen_log_lines_dropped_total: {
    type: 'counter',
    help: 'Lines of the log that were dropped because nobody read standard error in time.',
    labels: [],
  },
  aspen_log_lines_counted_total: {
    type: 'counter',
    help: 'Warnings that were counted and not written, because they repeat one that was, by cause.',
    labels: ['cause'],
  },
  aspen_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Seconds from the headers of a request to the end of its answer.',
    labels: ['route'],
    buckets: SECONDS,
  },
  aspen_actor_wait_seconds: {
    type: 'histogram',
    help: 'Seconds that messages waited in mailboxes, of one in 64, by the registered name of the actor (64 at most, then "other").',
    labels: ['actor'],
    buckets: SECONDS,
  },
  aspen_log_sync_duration_seconds: {
    type: 'histogram',
    help: 'Seconds to make one log write durable.',
    labels: [],
    buckets: SECONDS,
  },
  aspen_log_batch_entries: { type: 'histogram', help: 'Entries in one durable log write.', labels: [], buckets: SIZES },
  aspen_apply_duration_seconds: {
    type: 'histogram',
    help: 'Seconds to apply one batch of committed entries.',
    labels: [],
    buckets: SECONDS,
  },
  aspen_apply_batch_entries: { type: 'histogram', help: 'Entries in one applied batch.', labels: [], buckets: SIZES },
} as const satisfies Record<string, MetricRow>

type Table = typeof METRIC_TABLE
type NamesOf<Type extends MetricRow['type']> = {
  [Name in keyof Table]: Table[Name]['type'] extends Type ? Name : never
}[keyof Table]

export type CounterName = NamesOf<'counter'>
export type HistogramName = NamesOf<'histogram'>
