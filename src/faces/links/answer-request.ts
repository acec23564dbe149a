/** Carries out what a client asks, over the public interface: what it may do is what every face may do. */
import { AspenError } from '../../api/index.ts'
import type {
  Command,
  Condition,
  KeyValueStore,
  Operation,
  WriteCommand,
  WriteCondition,
  WriteOperation,
} from '../../api/index.ts'
import { decodeEnvelope, WireError } from '../../wire/index.ts'
import type { ClientAnswer, ClientRequest, ClientWrite } from '../../wire/index.ts'

/** An answer to one request. */
export type ClientReply = Exclude<ClientAnswer, { readonly type: 'drained' }>

/** Never rejects: what goes wrong is an answer too. */
export async function answerRequest(store: KeyValueStore, request: ClientRequest): Promise<ClientReply> {
  try {
    return await perform(store, request)
  } catch (error) {
    return errorAnswer(request.id, error)
  }
}

async function perform(store: KeyValueStore, request: ClientRequest): Promise<ClientReply> {
  const { id, timeoutMs } = request
  switch (request.type) {
    case 'write':
      return { type: 'written', id, result: await write(store, request) }
    case 'read':
      return { type: 'found', id, entry: (await store.read(request.key, { timeoutMs })) ?? null }
    case 'scan':
      return { type: 'page', id, page: await store.scan(request.request, { timeoutMs }) }
  }
}

async function write(store: KeyValueStore, { envelope, timeoutMs }: ClientWrite): ReturnType<KeyValueStore['write']> {
  const { origin, command } = decodeEnvelope(envelope)
  return store.write(toWriteCommand(command), origin === null ? { timeoutMs } : { timeoutMs, origin })
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

/** The command as users spell it. @throws AspenError INVALID_REQUEST for one that has no spelling */
function toWriteCommand(command: Command): WriteCommand {
  if (command.type === 'txn') {
    return {
      Txn: {
        compare: command.compare.map(toCondition),
        then: command.then.map(toOperation),
        else: command.else.map(toOperation),
      },
    }
  }
  const { operations } = command
  const [first] = operations
  if (operations.length === 1 && first !== undefined) {
    return first.type === 'set' ? { Set: { key: first.key, value: first.value } } : { Delete: { key: first.key } }
  }
  const sets = operations.flatMap((operation) => (operation.type === 'set' ? [operation] : []))
  if (sets.length === operations.length) return { SetMulti: { pairs: sets.map(({ key, value }) => [key, value] as const) } }
  if (sets.length === 0) return { DeleteMulti: { keys: operations.map(({ key }) => key) } }
  throw new AspenError('INVALID_REQUEST', 'a batch sets keys or deletes keys: both at once are a transaction')
}

function toCondition(condition: Condition): WriteCondition {
  const { key } = condition
  if (condition.type === 'value') return { key, value: condition.value }
  return condition.type === 'absent' ? { key, absent: condition.absent } : { key, mod_revision: condition.modRevision }
}

function toOperation(operation: Operation): WriteOperation {
  const { key } = operation
  if (operation.type === 'set') return { Set: { key, value: operation.value } }
  return operation.type === 'delete' ? { Delete: { key } } : { Get: { key } }
}
