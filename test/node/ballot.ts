/** What a node has voted, over all lives of its replica. */
import assert from 'node:assert/strict'
import type { NodePorts } from '../../src/node/index.ts'
import type { LogStore } from '../../src/ports/index.ts'
import type { HardState } from '../../src/raft/index.ts'

export class Ballot {
  /** How often the stores were opened. */
  lives = 0
  #last: HardState = { term: 0, votedFor: null }
  readonly #node: string

  constructor(node: string) {
    this.#node = node
  }

  get term(): number {
    return this.#last.term
  }

  /** Checks whatever is written to the log, and whether each life begins with the vote that the last one ended with. */
  watch(openStores: NodePorts['openStores']): NodePorts['openStores'] {
    return (language) => {
      const stores = openStores(language)
      this.lives++
      assert.deepEqual(stores.log.recovered.hardState, this.#last, `${this.#node} has forgotten its vote in life ${this.lives}`)
      this.#overhear(stores.log)
      return stores
    }
  }

  #overhear(log: LogStore): void {
    const write = log.write.bind(log)
    const reset = log.reset.bind(log)
    log.write = (batches, done): void => {
      for (const { hardState } of batches) if (hardState !== undefined) this.#cast(hardState)
      write(batches, done)
    }
    log.reset = (position, hardState, clusterId, done): void => {
      this.#cast(hardState)
      reset(position, hardState, clusterId, done)
    }
  }

  #cast(next: HardState): void {
    const { term, votedFor } = this.#last
    assert.ok(next.term >= term, `${this.#node} goes back from term ${term} to ${next.term}`)
    const isSecond = next.term === term && votedFor !== null && next.votedFor !== votedFor
    assert.ok(!isSecond, `${this.#node} votes twice in term ${term}: for ${votedFor}, then for ${next.votedFor}`)
    this.#last = next
  }
}
