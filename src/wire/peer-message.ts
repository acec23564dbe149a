import type { ErrorCode, ErrorDetails } from '../api/index.ts'
import type { Message, Reminder } from '../raft/index.ts'
import type { StateDigest, StoredSnapshot } from '../ports/index.ts'

/** A consensus message. */
export interface RaftPeerMessage {
  readonly type: 'raft'
  readonly message: Message
}

/** Work handed to the leader. 'write' carries an encoded envelope, 'admin' a JSON document. */
export interface ForwardRequest {
  readonly type: 'forward'
  /** Unique among the unanswered requests of the sender's life. */
  readonly id: number
  readonly operation: 'write' | 'admin' | 'found'
  /** Milliseconds left of the caller's deadline. */
  readonly timeoutMs: number
  readonly body: Uint8Array
}

/** The answer: an encoded write result, a JSON document, or an error. */
export type ForwardReply =
  | { readonly type: 'forward-reply'; readonly id: number; readonly ok: true; readonly body: Uint8Array }
  | {
      readonly type: 'forward-reply'
      readonly id: number
      readonly ok: false
      readonly code: ErrorCode
      readonly message: string
      readonly details: ErrorDetails
    }

/** A piece of a snapshot. `bytes` is empty in the first message of a transfer, which asks where to resume. */
export interface SnapshotChunk {
  readonly type: 'snapshot-chunk'
  readonly from: number
  readonly term: number
  readonly snapshot: StoredSnapshot
  readonly position: number
  readonly bytes: Uint8Array
}

/** How many bytes of the snapshot the receiver holds; the sender goes on from there. */
export interface SnapshotProgress {
  readonly type: 'snapshot-progress'
  readonly from: number
  readonly term: number
  readonly id: string
  readonly received: number
}

/** To the leader: the digests of the sender's state after some entries. */
export interface StateDigests {
  readonly type: 'state-digests'
  readonly from: number
  readonly digests: readonly StateDigest[]
}

/** Of a leader: what a majority of the voters has for the state after an entry; null when they differ and no majority agrees. */
export interface DigestVerdict {
  readonly type: 'digest-verdict'
  readonly from: number
  readonly term: number
  readonly index: number
  readonly digest: number | null
}

/** To the leader: the sender's state is not believed, and it wants a snapshot of the entry at `atLeast` or a later one. */
export interface SnapshotWanted {
  readonly type: 'snapshot-wanted'
  readonly from: number
  readonly atLeast: number
}

/** To a node whose link has just opened: what it had promised before, as the sender has heard. */
export interface PeerReminder extends Reminder {
  readonly type: 'reminder'
  readonly from: number
}

export type PeerMessage =
  | RaftPeerMessage
  | ForwardRequest
  | ForwardReply
  | SnapshotChunk
  | SnapshotProgress
  | StateDigests
  | DigestVerdict
  | SnapshotWanted
  | PeerReminder
