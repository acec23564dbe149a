/** A client that knows all nodes, and asks another one when the one it asked cannot answer. */
import { AspenError, checkOptions, checkScan, toKey } from '../../api/index.ts'
import { checkWrite } from '../../commands/index.ts'
import type {
  Data,
  KeyValue,
  KeyValueStore,
  RequestOptions,
  ScanPage,
  ScanRequest,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../../api/index.ts'
import { pick } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import type { RemoteNode } from './remote-node.ts'

const RETRY_PAUSE_MS = 20

export interface RoutedClientOptions {
  readonly nodes: readonly RemoteNode[]
  readonly random: Random
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** For a request and all its attempts, in virtual milliseconds. */
  readonly timeoutMs: number
}

/** Sends a request again only when it provably changed nothing: what is left is the last error. */
export class RoutedClient implements KeyValueStore {
  readonly #options: RoutedClientOptions

  constructor(options: RoutedClientOptions) {
    this.#options = options
  }

  async write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    const [sent, own] = [structuredClone(checkWrite(command)), checkOptions(options)]
    return this.#attempt(own, (node, rest) => node.write(sent, { ...own, ...rest }))
  }

  async read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    const sent = toKey(key)
    return this.#attempt(checkOptions(options), (node, rest) => node.read(sent, rest))
  }

  async scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    const sent = checkScan(request)
    return this.#attempt(checkOptions(options), (node, rest) => node.scan(sent, rest))
  }

  async #attempt<T>(
    { timeoutMs = this.#options.timeoutMs }: RequestOptions,
    ask: (node: RemoteNode, rest: RequestOptions) => Promise<T>,
  ): Promise<T> {
    const { nodes, random, now, sleep } = this.#options
    const deadline = now() + timeoutMs
    for (;;) {
      try {
        return await ask(pick(random, nodes), { timeoutMs: deadline - now() })
      } catch (error) {
        if (!(error instanceof AspenError && isElsewhere(error) && now() + RETRY_PAUSE_MS < deadline)) throw error
      }
      await sleep(RETRY_PAUSE_MS)
    }
  }
}

/** Nothing was changed by it, and another node, or the same one later, may do better. */
function isElsewhere({ retryable, code }: AspenError): boolean {
  return retryable || code === 'REMOVED'
}
