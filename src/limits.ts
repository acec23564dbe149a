/**
 * Every fixed bound that is a promise or that another depends on, in one place, with the relations that must hold between them.
 *
 * A few stand here before anything reads them: the specification fixes them for parts that are still to come.
 * Sizes are bytes unless the name says otherwise, times are milliseconds.
 */
import { assert } from './lib/index.ts'

const KIB = 1024
const MIB = 1024 * KIB

// Keys, values and commands.
export const MAX_KEY_SIZE: number = 1 * KIB
export const MAX_VALUE_SIZE: number = 1 * MIB
export const MAX_SETMULTI_KEYS: number = 100
export const MAX_TXN_OPERATIONS: number = 100
/** An encoded command; it must fit one append message with room for the frame around it. */
export const MAX_COMMAND_SIZE: number = 8 * MIB
export const MAX_HTTP_BODY_SIZE: number = 16 * MIB
/** A body that names a few keys or settings, in the longest spelling that JSON has for them. */
export const MAX_SMALL_HTTP_BODY_SIZE: number = 256 * KIB
/** Values and members of a body. The largest transaction has some two thousand. */
export const MAX_BODY_TOKENS: number = 10_000
/** Bytes of large bodies that are held at once. */
export const MAX_HELD_BODY_BYTES: number = 128 * MIB
/** What a client takes of an answer: more than the largest page of a scan, base64 and all. */
export const MAX_HTTP_ANSWER_BYTES: number = 32 * MIB
/** Bytes of answers that one connection has not taken in; one more answer goes when there are none. */
export const MAX_CONNECTION_ANSWER_BYTES: number = 16 * MIB
/** Bytes of answers that all connections together have not taken in. */
export const MAX_HELD_ANSWER_BYTES: number = 128 * MIB
/** Connections that are served. */
export const MAX_HTTP_CONNECTIONS: number = 10_000
/** Connections beyond, which are heard out and refused in words. What comes on top of them is cut without a word. */
export const MAX_SURPLUS_CONNECTIONS: number = 500
/** Requests that came behind others on their connections, for which a node holds no answer yet, or a refusal; some hundred MiB. */
export const MAX_WAITING_HTTP_REQUESTS: number = 65_536
/** How long requests are read in a turn: so short that heartbeats do not suffer. */
export const MAX_HTTP_TURN_MS: number = 25
/** For so long at most others wait while HTTP connections come; and then at least as long these for others, in milliseconds. */
export const MAX_HTTP_ARRIVALS_MS = 50
/** What is found in one turn of the event loop may have as many bytes, and one answer more: some 20 ms of work with all that follows. */
export const MAX_READ_BYTES_A_TURN: number = 4 * MIB
export const MAX_SCAN_LIMIT: number = 1000
export const DEFAULT_SCAN_LIMIT: number = 100
/** More than the longest token of a scan: a key in base64 behind a few letters. */
export const MAX_SCAN_TOKEN_SIZE: number = 2 * KIB
/** A scan page ends early rather than grow past this many bytes of keys and values. */
export const MAX_SCAN_PAGE_BYTES: number = 4 * MIB
/** Bytes of keys and values that one transaction may find. */
export const MAX_RESULT_BYTES: number = 8 * MIB
/** Clients whose last sequence is remembered in the replicated state, for answers to repeated writes. */
export const MAX_CLIENT_SESSIONS: number = 10_000
export const MAX_CLIENT_ID_SIZE: number = 64
/** The lowest number that a client may give to a write. */
export const MIN_CLIENT_SEQUENCE: number = 1

// Versions.
/** The version of the cluster is raised by itself once every member has been heard, and could apply it, for so long. */
export const VERSION_PATIENCE_MS: number = 10 * 60 * 1000

// Replication.
export const MAX_RPC_MESSAGE_SIZE: number = 10 * MIB
/** Entries in one append message, and in one apply batch. */
export const MAX_BATCH_SIZE: number = 1000
/** Bytes of payload in one append message, unless a single entry is larger. */
export const MAX_APPEND_BYTES: number = 1 * MIB
/** Append messages to one peer that may be unanswered. */
export const MAX_INFLIGHT_APPENDS: number = 64
/** Bytes to one peer that may be unanswered. */
export const MAX_INFLIGHT_BYTES: number = 16 * MIB
/** Proposals accepted and not yet answered, on one node. */
export const MAX_PROPOSALS: number = 10_000
export const MAX_PROPOSAL_BYTES: number = 64 * MIB
/** Reads waiting for their round or for the state machine, on one node. */
export const MAX_PENDING_READS: number = 10_000
/** Read rounds a leader may have unconfirmed. */
export const MAX_READ_ROUNDS: number = 16
/** Bytes of entries the replica keeps in memory for replication and apply. */
export const MAX_ENTRY_CACHE_BYTES: number = 64 * MIB
/** Bytes of payload in one durable log write, unless a single entry is larger. */
export const MAX_PERSIST_BYTES: number = 8 * MIB

// Snapshots and the log behind them.
export const MAX_SNAPSHOT_SIZE: number = 100 * MIB
/** Keys of users in a state, and so in its snapshots. */
export const MAX_SNAPSHOT_ENTRIES: number = 1_000_000
/** Rows of the system beside them, which take the place of no key; what is kept there bounds itself. */
export const MAX_SYSTEM_ENTRIES: number = 100_000
/** A snapshot's file: the state, and room for what stands around every key. */
export const MAX_SNAPSHOT_FILE_SIZE: number = 2 * MAX_SNAPSHOT_SIZE
/** The membership in the header of a snapshot came as a log entry, so it is no larger than one. */
export const MAX_SNAPSHOT_HEADER_SIZE: number = MAX_COMMAND_SIZE + 1 * KIB
/** Requests that wait for the snapshot after the one being taken. */
export const MAX_SNAPSHOT_REQUESTS: number = 100
export const SNAPSHOT_CHUNK_SIZE: number = 256 * KIB
/** Copies of the state that are read at a node at once, for backups. */
export const MAX_STATE_COPIES: number = 2
/** What a cluster that goes on from the state of another one adds to its revision, and to the index of its log: a year of 35,000 writes a second, and there is room for 8,000 such. */
export const REVISION_JUMP: number = 2 ** 40
/** Entries kept behind the applied index when the log is purged, so that a slow follower needs no snapshot. */
export const LOG_RETAINED_ENTRIES: number = 10_000
/** Payload bytes of such entries, where that is less. */
export const LOG_RETAINED_BYTES: number = 64 * MIB
/** The same two bounds while a peer that answers is still on its way through them, or waits for a snapshot. */
export const MAX_LOG_HELD_ENTRIES: number = 250_000
export const MAX_LOG_HELD_BYTES: number = 256 * MIB
/** How long what was applied may be held back from the state's file, in milliseconds. */
export const STATE_FLUSH_DELAY_MS: number = 1_000
/** How soon applying is tried again when another process holds the state's database: twice as long each time, from the first to the second. */
export const STATE_BUSY_RETRY_MS: number = 2
export const MAX_STATE_BUSY_RETRY_MS: number = 100
/** How long that may go on before the log says so. */
export const STATE_BUSY_WARNING_MS: number = 1_000
/** How long a node that is being started waits for it: nothing is served before. */
export const STATE_BUSY_OPENING_MS: number = 60_000
/** How long a node that has to mark its log as forgetful waits for the disk, in milliseconds, before it ends without. */
export const FORGOTTEN_MARK_TIMEOUT_MS: number = 3_000
/** The state's own log is to be that large at most while a reader of another process keeps it from being moved, before the log of the node says so. */
export const STATE_HELD_WARNING_BYTES: number = 256 * MIB
/** Entries applied between two checkpoints of the state machine: few enough that the disk is not busy with one for long. */
export const CHECKPOINT_INTERVAL_ENTRIES: number = 5_000
/** Payload bytes applied between two checkpoints, where that is less. */
export const CHECKPOINT_INTERVAL_BYTES: number = 16 * MIB
export const LOG_SEGMENT_SIZE: number = 16 * MIB
/** Bytes of a log's first segment; each next one has twice as many: a first start is quick, and who writes little takes little space. */
export const FIRST_LOG_SEGMENT_SIZE: number = MIB

// Links.
export const MAX_FRAME_SIZE: number = 64 * KIB
export const CONNECT_TIMEOUT_MS: number = 5_000
export const STREAM_OPEN_TIMEOUT_MS: number = 2_000
export const READ_TIMEOUT_MS: number = 10_000
export const MAX_CONCURRENT_CONNECTIONS: number = 500
export const MAX_STREAMS_PER_CONNECTION: number = 100
export const MAX_PEERS: number = 1000
/** The book of peers may be made smaller, but not so that a cluster does not fit it. */
export const MIN_PEERS: number = 200
/** Peers that are dialled although nobody has named them: neither the cluster nor a person. */
export const MAX_DIALLED_STRANGERS: number = 32
/** A peer that nobody has named is forgotten when it was not heard of for so long, in milliseconds. */
export const STRANGER_EXPIRY_MS: number = 600_000
/** Peers that nobody has named, that were linked once, and that are looked for longer: a network may be cut for days. */
export const MAX_MISSED_STRANGERS: number = 64
export const MISSED_EXPIRY_MS: number = 7 * 86_400_000
/** Addresses that a node announces of itself, and bytes of all that it does. */
export const MAX_ANNOUNCED_ADDRESSES: number = 16
export const MAX_ANNOUNCEMENT_SIZE: number = 2 * KIB
/** Bytes of gossip that may wait to leave over one link. */
export const MAX_GOSSIP_QUEUE_BYTES: number = 256 * KIB
/** Peers of which a node has heard through one neighbour first; one that lies takes no more room than this. */
export const MAX_PEERS_BY_NEIGHBOUR: number = 128
/** Bytes of what nodes tell each other of the others that may wait to leave over one link. */
export const MAX_PEERS_QUEUE_BYTES: number = 4 * MIB
/** Bytes of notices, ten bytes each, of who takes part in which channel that may wait to leave over one link. */
export const MAX_ATTENDANCE_QUEUE_BYTES: number = 64 * KIB
/** Bytes queued towards one peer before further messages are dropped (Raft resends). */
export const MAX_LINK_QUEUE_BYTES: number = 32 * MIB
/**
 * Bytes under way over one link, but for priority, that the peer's program has not acknowledged. On a path of 10 Mbit/s a heartbeat waits
 * behind them for 0.4 s, well below the shortest election timeout; with a round trip of 100 ms they carry 5 MB/s.
 */
export const LINK_WINDOW_BYTES: number = 512 * KIB
/** The part of the window that bulk may fill. */
export const LINK_BULK_WINDOW_BYTES: number = 256 * KIB
/** Bytes read after which the sender is told. */
export const LINK_ACK_BYTES: number = 64 * KIB

// Links of clients.
/** Links of clients to one node; the rest of its connections is its peers'. */
export const MAX_CLIENT_LINKS: number = 250
/** Requests on one client link that may be unanswered. */
export const MAX_CLIENT_LINK_REQUESTS: number = 1_000
/** Bytes of the requests on one client link that may be unanswered. */
export const MAX_CLIENT_LINK_REQUEST_BYTES: number = 16 * MIB
/** Bytes of the unanswered requests on all client links of a node. */
export const MAX_CLIENT_REQUEST_BYTES: number = 64 * MIB
/** Bytes of answers that one client has not taken in yet. */
export const MAX_CLIENT_LINK_ANSWER_BYTES: number = 12 * MIB
/** Bytes of answers that all clients together have not taken in yet; looked at once a link has more than a little. */
export const MAX_CLIENT_ANSWER_BYTES: number = 128 * MIB

// Cluster.
export const MAX_VOTERS: number = 100
/** Learners that a change of the membership may name. */
export const MAX_LEARNERS: number = 100
/** Addresses of one peer, and the size of each, in a configuration as elsewhere. They may grow, never shrink: old logs hold them. */
export const MAX_MEMBER_ADDRESSES: number = 32
export const MAX_ADDRESS_SIZE: number = 512
/** The URL of a peer's relay. */
export const MAX_RELAY_URL_SIZE: number = 2 * KIB
/** BEP 44: what a node publishes under its key has no more. */
export const MAX_PKARR_VALUE_SIZE: number = 1_000
/** The same as relays take and give it: a signature of 64 bytes and a sequence of 8 before it. */
export const MAX_PKARR_PAYLOAD_SIZE: number = 64 + 8 + MAX_PKARR_VALUE_SIZE
/** Peers that a ticket names. */
export const MAX_TICKET_PEERS: number = 16
/** How long a ticket is good. */
export const TICKET_LIFETIME_MS: number = 86_400_000
/** Membership requests waiting on a leader. */
export const MAX_ADMIN_REQUESTS: number = 100
export const LEARNER_LAG_THRESHOLD: number = 100
export const MEMBERSHIP_COOLDOWN_MS: number = 300_000
/** A member that is not well for so long needs a person, in milliseconds. */
export const MEMBER_ATTENTION_MS: number = 60_000
/** Nodes of which a record is kept; and how long one of a node is kept that is no member and was not seen, in milliseconds. */
export const MAX_NODE_RECORDS: number = MAX_PEERS
export const FORGET_NODE_MS: number = 7 * 86_400_000
/** Bytes of what a program says of its version. */
export const MAX_PROGRAM_VERSION_SIZE: number = 64
/** How long a request may take before its outcome is reported as unknown. */
export const REQUEST_TIMEOUT_MS: number = 5_000
/** The longest that a request may ask for. */
export const MAX_REQUEST_TIMEOUT_MS: number = 60_000

// Disks.
/** Above this much of a volume, in per cent as df counts, writes that could grow the store are refused. */
export const DISK_USAGE_THRESHOLD_PERCENT: number = 95
/** Where the rest of a volume is more than this, that much is reserve enough: 5 % of a large one is room for years. */
export const MAX_DISK_RESERVE_BYTES: number = 8 * 1024 * MIB
/** What a node may write by itself once growth is refused: a segment of the log, and a checkpoint of the state. */
export const MIN_DISK_RESERVE_BYTES: number = 64 * MIB
/** How often a node looks how full its volumes are. */
export const DISK_CHECK_INTERVAL_MS: number = 1_000

// Actors.
/** Supervisors above one another: whoever ends a tree of actors, or looks at it, goes down it. */
export const MAX_ACTOR_DEPTH: number = 256
/** What an incarnation of the replica may take to let go of its disk, before the process ends. */
export const SETTLE_TIMEOUT_MS: number = 10_000
/** How often the RaftActor is asked whether it is well, how long it may take to answer, and how many answers it may miss in a row. */
export const HEALTH_CHECK_INTERVAL_MS: number = 5_000
export const HEALTH_CHECK_TIMEOUT_MS: number = 25
export const MAX_HEALTH_RETRIES: number = 3
/** Of one life of an actor that have not run yet, also those that are due and wait for their turn. */
export const MAX_ACTOR_TIMERS: number = 100_000
export const DEFAULT_MAILBOX_CAPACITY: number = 1_000
export const MAX_MAILBOX_CAPACITY: number = 10_000
/** Memberships of the actors of one node in groups. */
export const MAX_GROUP_MEMBERSHIPS: number = 10_000
/** What a timer of Node can wait: deadlines, pauses and delays of actors are no longer. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1
/** What a message from one actor to another holds, where it leaves its thread or its node: bytes, levels of containers, and values. */
export const MAX_ACTOR_MESSAGE_BYTES: number = 1 * MIB
export const MAX_ACTOR_MESSAGE_DEPTH: number = 64
export const MAX_ACTOR_MESSAGE_VALUES: number = 100_000
/** Messages of one node that may wait at one actor of another, and their bytes, a single larger one aside. */
export const REMOTE_CREDIT_MESSAGES: number = 1_000
export const REMOTE_CREDIT_BYTES: number = 1 * MIB
/** Bytes of messages of one node that may wait at all actors of another; small ones to actors with nothing else to do go beyond. */
export const MAX_REMOTE_HELD_BYTES: number = 8 * MIB
/**
 * Bytes of messages of one node that wait here, whatever became of the talks in which they came; and of all nodes together. In one talk
 * nobody who keeps to his credit meets the first.
 */
export const MAX_REMOTE_PEER_BYTES: number = 2 * MAX_REMOTE_HELD_BYTES
export const MAX_REMOTE_TOTAL_BYTES: number = 64 * MIB
/** As long as all nodes together have no more waiting, those take room also that the configuration does not know. */
export const MAX_REMOTE_STRANGER_BYTES: number = MAX_REMOTE_TOTAL_BYTES / 4
/** Milliseconds that a call to another node waits for its answer, at most. */
export const MAX_REMOTE_CALL_MS: number = 10 * 60_000
/** Actors of one other node that may be written to, or watched, at a time. */
export const MAX_REMOTE_STREAMS: number = 1_000
/** Calls to one other node, and messages to it that wait for credit. */
export const MAX_REMOTE_CALLS: number = 10_000
export const MAX_REMOTE_WAITING: number = 10_000
export const MAX_REMOTE_WAITING_BYTES: number = 16 * MIB
/** Bytes of what actors say that may wait to leave over one link; and of answers that wait behind them. */
export const MAX_ACTORS_QUEUE_BYTES: number = 4 * MIB
export const MAX_REMOTE_ANSWER_BYTES: number = 8 * MIB
/** What a Refusal says to another node beside its words: its name, and members such as a code. */
export const MAX_REFUSAL_FACTS_BYTES: number = 4 * KIB
/** Of one bigint in a message. */
export const MAX_ACTOR_BIGINT_BYTES: number = 1 * KIB
export const MAX_BACKOFF_SECONDS: number = 16
export const MAX_RESTART_HISTORY_SIZE: number = 100
/** Of a system of actors: each costs some ten megabytes. */
export const MAX_ACTOR_THREADS: number = 256

// The log for people.
/** Sources of one cause that are told apart. */
export const MAX_LOG_SOURCES_PER_CAUSE: number = 32
export const MAX_REPEATED_LOG_LINES: number = 512

// Storage.
export const DEFAULT_READ_POOL_SIZE: number = 10

/** Room for headers around a payload in any message. */
const ENVELOPE = 64 * KIB

assert(MAX_COMMAND_SIZE + ENVELOPE <= MAX_RPC_MESSAGE_SIZE, 'the largest command must fit one append message')
assert(MAX_KEY_SIZE + MAX_VALUE_SIZE + ENVELOPE <= MAX_COMMAND_SIZE, 'the largest single write must be a valid command')
assert(MAX_RESULT_BYTES + ENVELOPE <= MAX_RPC_MESSAGE_SIZE, 'the largest result must fit one message')
assert(MAX_APPEND_BYTES + ENVELOPE <= MAX_RPC_MESSAGE_SIZE, 'a full append must be a valid message')
assert(MAX_COMMAND_SIZE <= MAX_INFLIGHT_BYTES, 'the largest command must be replicable')
assert(MAX_COMMAND_SIZE <= MAX_PROPOSAL_BYTES, 'the largest command must be proposable')
assert(
  4 * Math.ceil(MAX_COMMAND_SIZE / 3) + ENVELOPE <= MAX_HTTP_BODY_SIZE,
  'the largest command must fit a request body in base64',
)
assert(
  4 * Math.ceil(MAX_RESULT_BYTES / 3) + ENVELOPE <= MAX_HTTP_ANSWER_BYTES && MAX_SCAN_PAGE_BYTES <= MAX_RESULT_BYTES,
  'a client must take the largest answer in base64',
)
assert(MAX_HTTP_BODY_SIZE <= MAX_HELD_BODY_BYTES, 'the largest body must be read')
assert(MAX_CONNECTION_ANSWER_BYTES <= MAX_HELD_ANSWER_BYTES, 'one connection must leave room for others')
assert(10 * MAX_TXN_OPERATIONS <= MAX_BODY_TOKENS, 'the largest transaction must be read')
assert(MAX_HTTP_ANSWER_BYTES < MAX_HELD_ANSWER_BYTES, 'the largest answer must be sent')
// A byte may be spelt in six: \u0000.
assert(6 * (3 * MAX_KEY_SIZE + MAX_SCAN_TOKEN_SIZE) + ENVELOPE <= MAX_SMALL_HTTP_BODY_SIZE, 'every scan must fit a small body')
assert(
  6 * (MAX_MEMBER_ADDRESSES * MAX_ADDRESS_SIZE + MAX_RELAY_URL_SIZE) + ENVELOPE <= MAX_SMALL_HTTP_BODY_SIZE,
  'every peer must fit a small body',
)
assert(4 * Math.ceil(MAX_KEY_SIZE / 3) + 3 <= MAX_SCAN_TOKEN_SIZE, 'the token of the largest key must be allowed')
// A joint configuration names the voters before and after; what a member can be is its addresses, its key and its id.
const MAX_MEMBER_SIZE = MAX_MEMBER_ADDRESSES * (MAX_ADDRESS_SIZE + 2) + 64
assert(
  2 * (MAX_VOTERS + MAX_LEARNERS) * MAX_MEMBER_SIZE + ENVELOPE <= MAX_COMMAND_SIZE,
  'the largest configuration must be a valid entry',
)
assert(MAX_LEARNERS <= MAX_PEERS, 'the learners that a change names must fit a configuration')
assert(2 * MAX_PEERS_BY_NEIGHBOUR < MAX_PEERS, 'a neighbour that lies must leave room for others')
assert(MAX_MISSED_STRANGERS < MAX_PEERS, 'peers that are looked for must leave room for those that are there')
assert(SNAPSHOT_CHUNK_SIZE + ENVELOPE <= MAX_RPC_MESSAGE_SIZE, 'a snapshot chunk must fit one message')
assert(MAX_RPC_MESSAGE_SIZE <= MAX_LINK_QUEUE_BYTES, 'the largest message must fit a link queue')
assert(
  LOG_RETAINED_ENTRIES <= MAX_LOG_HELD_ENTRIES && LOG_RETAINED_BYTES <= MAX_LOG_HELD_BYTES,
  'holding the log must not shorten it',
)
assert(MAX_COMMAND_SIZE + ENVELOPE <= LOG_SEGMENT_SIZE, 'the largest entry must fit one log segment')
assert(MAX_CLIENT_LINKS + 2 * MAX_VOTERS <= MAX_CONCURRENT_CONNECTIONS, 'clients must leave room for the links of voters')
assert(MAX_CLIENT_LINK_REQUESTS <= DEFAULT_MAILBOX_CAPACITY, 'what one client link may ask at once must fit the mailbox')
assert(MAX_RPC_MESSAGE_SIZE <= MAX_CLIENT_LINK_REQUEST_BYTES, 'the largest request must fit a client link')
assert(MAX_RPC_MESSAGE_SIZE <= MAX_CLIENT_LINK_ANSWER_BYTES, 'the largest answer must fit a client link')
assert(
  DISK_USAGE_THRESHOLD_PERCENT > 0 && DISK_USAGE_THRESHOLD_PERCENT < 100,
  'a volume must have a reserve, and room besides it',
)
assert(MAX_ACTOR_MESSAGE_BYTES + ENVELOPE <= MAX_RPC_MESSAGE_SIZE, 'the largest message of an actor must fit a link')
assert(MAX_REMOTE_PEER_BYTES <= MAX_REMOTE_TOTAL_BYTES, 'one peer alone must not meet the bound of all')
assert(2 * MAX_ACTOR_MESSAGE_BYTES <= MAX_ACTORS_QUEUE_BYTES, 'the largest message of an actor must fit its queue')
assert(DEFAULT_MAILBOX_CAPACITY <= MAX_MAILBOX_CAPACITY, 'the default mailbox must be allowed')
