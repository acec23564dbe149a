/** Carries out what a client asks, over the public interface: what it may do is what every face may do. */
import { AspenError } from '../../api/index.ts'
import type { KeyValueStore, RequestOptions, WriteResult } from '../../api/index.ts'
import { unreachable } from '../../lib/index.ts'
import { WireError } from '../../wire/index.ts'
import type { ClientAnswer, ClientRequest } from '../../wire/index.ts'

/** The store of a node, which takes commands as clients have encoded them. */
export interface LinkedStore extends KeyValueStore {
  /** @throws AspenError as `write` does, and INVALID_REQUEST when it is no envelope of a command */
  writeEnvelope(envelope: Uint8Array, options: RequestOptions): Promise<WriteResult>
}

/** An answer to one request. */
export type ClientReply = Exclude<ClientAnswer, { readonly type: 'drained' }>

/** Never rejects: what goes wrong is an answer too. */
export async function answerRequest(store: LinkedStore, request: ClientRequest): Promise<ClientReply> {
  try {
    return await perform(store, request)
  } catch (error) {
    return errorAnswer(request.id, error)
  }
}

async function perform(store: LinkedStore, request: ClientRequest): Promise<ClientReply> {
  const { id, timeoutMs } = request
  switch (request.type) {
    case 'write':
      return { type: 'written', id, result: await store.writeEnvelope(request.envelope, { timeoutMs }) }
    case 'read':
      return { type: 'found', id, entry: (await store.read(request.key, { timeoutMs })) ?? null }
    case 'scan':
      return { type: 'page', id, page: await store.scan(request.request, { timeoutMs }) }
    default:
      return unreachable(request)
  }
}

function errorAnswer(id: number, error: unknown): ClientReply {
  if (error instanceof AspenError) {
    const { code, message, details } = error
    return { type: 'error', id, code, message, details }
  }
  const code = error instanceof WireError ? 'INVALID_REQUEST' : 'INTERNAL'
  const message = error instanceof Error ? error.message : String(error)
  return { type: 'error', id, code, message, details: {} }
}
