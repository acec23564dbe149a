export { ByteReader, ByteWriter, prefixedSize, varintSize, WireError } from '../lib/index.ts'
export { ChannelTable } from './channel-table.ts'
export { decodeClientAnswer, encodeClientAnswer } from './client-answer-codec.ts'
export { CLIENT_PROTOCOL } from './client-message.ts'
export type * from './client-message.ts'
export { decodeClientRequest, encodeClientRequest } from './client-request-codec.ts'
export { entryKindCode, entryKindNeeds, entryKindOf } from './entry-kind.ts'
export {
  announcementInput,
  decodeAnnouncement,
  decodeGossip,
  encodeAnnouncement,
  encodeGossip,
  MAX_DIGEST_ENTRIES,
  MAX_MESSAGE_ANNOUNCEMENTS,
  MAX_WANTED,
  shortIdOf,
  SIGNATURE_SIZE,
} from './gossip-codec.ts'
export type { DigestEntry, GossipMessage, PeerAnnouncement, SignedAnnouncement } from './gossip-codec.ts'
export { decodeConfiguration, decodeMembership, encodeConfiguration, encodeMembership } from './membership-codec.ts'
export type { Configuration } from './membership-codec.ts'
export { decodePeerNews, encodePeerNews, MAX_NEWS_FACTS } from './peer-news-codec.ts'
export type { PeerFact, PeerNews } from './peer-news-codec.ts'
export { decodePeerMessage, encodePeerMessage } from './peer-message-codec.ts'
export { LaterAppendError } from './raft-message-codec.ts'
export { GROUP, UnknownMessageError } from './route.ts'
export type { UnknownPart } from './route.ts'
export type * from './peer-message.ts'
export { MAX_CLUSTER_ID_SIZE, MAX_ERROR_DETAILS_DEPTH, MAX_ERROR_TEXT_SIZE, MAX_SNAPSHOT_ID_SIZE } from './wire-limits.ts'
export { FRAME_HEADER_SIZE, FrameDecoder, MAX_FRAME_PAYLOAD } from './frame.ts'
export type { ControlKind, FrameHeader, FrameKind, FrameSink } from './frame.ts'
export { FrameQueue, LINK_WINDOWS } from './frame-queue.ts'
export type { LinkWindows, QueueShare } from './frame-queue.ts'
export {
  commonVersion,
  decodeClaims,
  decodeHandshake,
  decodeReason,
  encodeClaims,
  encodeHello,
  encodeProof,
  encodeProofInput,
  encodeReason,
  encodeRefusal,
  INSTANCE_SIZE,
  LINK_FEATURES,
  LINK_VERSIONS,
  NONCE_SIZE,
  encodeReplaced,
  epochOf,
  replacedBy,
} from './handshake.ts'
export type { HandshakeRecord, Hello, Proof, ProofInput, VersionRange } from './handshake.ts'
export { parseTicket, ticketInput, ticketText } from './ticket-codec.ts'
export type { Ticket, TicketPeer, UnprovenTicket } from './ticket-codec.ts'
