/** A client that knows all nodes, and asks another one when the one it asked cannot answer. */
import { AspenError } from '../../api/index.ts'
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

  write(command: WriteCommand, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#attempt(options, (node, rest) => node.write(command, { ...options, ...rest }))
  }

  read(key: Data, options: RequestOptions = {}): Promise<KeyValue | undefined> {
    return this.#attempt(options, (node, rest) => node.read(key, { ...options, ...rest }))
  }

  scan(request: ScanRequest, options: RequestOptions = {}): Promise<ScanPage> {
    return this.#attempt(options, (node, rest) => node.scan(request, { ...options, ...rest }))
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
        const again = error instanceof AspenError && error.retryable && now() + RETRY_PAUSE_MS < deadline
        if (!again) throw error
      }
      await sleep(RETRY_PAUSE_MS)
    }
  }
}
