import { utf8Decode } from '../lib/index.ts'
import type { Data, WriteCommand } from './commands.ts'
import { invalid, kindOf } from './given.ts'
import type {
  KeyValue,
  KeyValueStore,
  RequestOptions,
  ScanPage,
  ScanRequest,
  WriteLogId,
  WriteOptions,
  WriteResult,
} from './key-value-store.ts'
import { checkScan } from './scan-pages.ts'

/**
 * The key-value store with the calls of everyday use on top, over any {@link KeyValueStore}: a node of this process, or
 * a client of one elsewhere.
 *
 * @example
 * const kv = new KvClient(connectHttp('http://127.0.0.1:8080'))
 * await kv.set('hello', 'world')
 * const text = await kv.getText('hello')
 */
export class KvClient implements KeyValueStore {
  readonly #store: KeyValueStore

  /** @throws AspenError INVALID_REQUEST for what is no store */
  constructor(store: KeyValueStore) {
    checkStore(store)
    this.#store = store
  }

  write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    return this.#store.write(command, options)
  }

  read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    return this.#store.read(key, options)
  }

  scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    return this.#store.scan(request, options)
  }

  async set(key: Data, value: Data, options?: WriteOptions): Promise<WriteLogId> {
    return (await this.#store.write({ Set: { key, value } }, options)).logId
  }

  async delete(key: Data, options?: WriteOptions): Promise<WriteLogId> {
    return (await this.#store.write({ Delete: { key } }, options)).logId
  }

  /** The value as bytes, or undefined when the key does not exist. */
  async get(key: Data, options?: RequestOptions): Promise<Uint8Array | undefined> {
    return (await this.#store.read(key, options))?.value
  }

  /** The value as text; undefined when the key does not exist or the value is not UTF-8. */
  async getText(key: Data, options?: RequestOptions): Promise<string | undefined> {
    const value = await this.get(key, options)
    return value === undefined ? undefined : utf8Decode(value)
  }

  /** Every key of the prefix or range, page by page. Each page is linearizable by itself, the whole is not. */
  async *entries(request: Omit<ScanRequest, 'token'> = {}, options?: RequestOptions): AsyncGenerator<KeyValue, void, void> {
    const own = checkScan(request)
    let token: string | null = null
    do {
      const page: ScanPage = await this.#store.scan(token === null ? own : { ...own, token }, options)
      yield* page.entries
      token = page.token
    } while (token !== null)
  }
}

function checkStore(store: unknown): void {
  const { write, read, scan } = (store ?? {}) as Partial<KeyValueStore>
  if ([write, read, scan].every((method) => typeof method === 'function')) return
  throw invalid(`the store is ${kindOf(store)}: give one with write, read and scan, such as a node or a client of one`)
}
