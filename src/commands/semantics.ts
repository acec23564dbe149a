/**
 * Every constant that is part of replicated meaning: replicas that disagree about one of these build different states
 * from equal logs, without a trace. **They change only with the cluster version**: a new value gets a name of its own,
 * and `apply` chooses by the version in force. Sizes are bytes, times milliseconds of replicated time.
 *
 * Faces may allow less than what is written here (src/limits.ts), never more.
 */
import { assert } from '../lib/index.ts'
import {
  MAX_CLIENT_ID_SIZE,
  MAX_COMMAND_SIZE,
  MAX_KEY_SIZE,
  MAX_SETMULTI_KEYS,
  MAX_SNAPSHOT_FILE_SIZE,
  MAX_SNAPSHOT_SIZE,
  MAX_SYSTEM_ENTRIES,
  MAX_TXN_OPERATIONS,
  MAX_VALUE_SIZE,
} from '../limits.ts'

const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 24 * 60 * 60 * 1000

/** The cluster version that this file describes. */
export const CLUSTER_VERSION_1 = 1
/** An envelope says its version in a byte. */
export const MAX_CLUSTER_VERSION = 255

// What an entry may hold; anything else is malformed, and no replica applies it.
export const USER_KEY_SIZE: number = 1 * KIB
export const USER_VALUE_SIZE: number = 1 * MIB
export const BATCH_OPERATIONS = 100
/** Conditions and operations of a transaction together. */
export const TXN_OPERATIONS = 100
export const CLIENT_ID_SIZE = 64
/** The longest that one entry may move replicated time forward: some 49 days. */
export const MAX_ELAPSED_MS: number = 2 ** 32 - 1

// What the state holds.
/** The revision of an empty store; the first command that changes a user key makes the next. */
export const FIRST_REVISION = 1
/** Keys of the spaces of the system. */
export const SYSTEM_KEY_SIZE: number = 2 * KIB
export const SYSTEM_VALUE_SIZE: number = 8 * MIB

/** Replicas compare the digests of their states after each entry whose index is a multiple of it. */
export const DIGEST_INTERVAL = 1024

// What is remembered of clients, so that a repeated write is done once.
/** Clients remembered; the one whose last write is the oldest is forgotten first. */
export const SESSIONS = 10_000
/** Bytes of everything remembered of all clients; past it, the client whose last write is the oldest is forgotten. */
export const SESSIONS_BYTES: number = 16 * MIB
/** Replicated time after which a client that writes nothing is forgotten. */
export const SESSION_LIFE_MS: number = 7 * DAY_MS
/** Expired clients that one command removes, besides what the bounds above demand: the work of a command is bounded. */
export const SESSION_EXPIRIES = 16
/** The last sequences of a client whose answers are remembered. */
export const SESSION_WINDOW = 128
/** The answer of one write; of a larger one it is remembered that it took effect, not what it found. */
export const SESSION_RESULT_SIZE: number = 64 * KIB
/** The answers of one client together; past it, what the oldest of them found is forgotten. */
export const SESSION_WINDOW_BYTES: number = 128 * KIB

/** What stands around a row in the file of a snapshot, with room. */
const SYSTEM_ROW_BYTES = 64

assert(MAX_KEY_SIZE <= USER_KEY_SIZE && MAX_VALUE_SIZE <= USER_VALUE_SIZE, 'every row that a face allows can be replicated')
assert(
  MAX_SETMULTI_KEYS <= BATCH_OPERATIONS && MAX_TXN_OPERATIONS <= TXN_OPERATIONS && MAX_CLIENT_ID_SIZE <= CLIENT_ID_SIZE,
  'every command that a face allows can be replicated',
)
assert(MAX_COMMAND_SIZE <= SYSTEM_VALUE_SIZE, 'a row of the system may hold what a command brings')
assert(1 + SESSIONS <= MAX_SYSTEM_ENTRIES, 'the row of the state itself and those of all sessions have room beside the keys')
assert(
  MAX_SNAPSHOT_SIZE + SESSIONS_BYTES + MAX_SYSTEM_ENTRIES * SYSTEM_ROW_BYTES <= MAX_SNAPSHOT_FILE_SIZE,
  'a full state, and sessions that came when it was full, fit the file of a snapshot',
)
