/**
 * A program with a lock: on each node it takes the lock, works for a while, and gives it back. The lock is a key that names
 * who holds it: the node, its life and its turn. So a node that comes back can give up what its dead life held, and a request
 * to give back that arrives late cannot end a later turn.
 */
import { AspenError } from '../../src/api/index.ts'
import type { WriteCommand } from '../../src/api/index.ts'
import { randomBetween } from '../../src/lib/index.ts'
import type { AspenRouter, Program } from '../../src/testing/index.ts'
import { readText } from './requests.ts'

const LOCK = 'lock'

export class LockProgram {
  /** The nodes whose program works under the lock; a dead one does until it comes back. */
  readonly holders = new Set<number>()
  /** How often the lock was taken. */
  taken = 0

  /** Runs on all nodes from now on, and fails the run when two hold the lock. */
  install(router: AspenRouter): void {
    router.always('one holder of the lock', () => this.holders.size <= 1)
    router.program('lock', this.#run)
  }

  readonly #run: Program = async ({ nodeId, life, node, random, sleep }) => {
    this.holders.delete(nodeId)
    for (let turn = 1; ; await sleep(randomBetween(random, 1, 10))) {
      const me = `${nodeId}.${life}.${turn}`
      const holder = await certainly(() => readText(node, LOCK), sleep)
      if (holder === undefined) await certainly(() => node.write(take(me)), sleep)
      if (!holder?.startsWith(`${nodeId}.`)) continue
      if (holder === me) {
        await this.#work(nodeId, () => sleep(randomBetween(random, 1, 20)))
        turn++
      }
      // Also what an earlier life took, or a request of it that arrived late.
      await certainly(() => node.write(giveBack(holder)), sleep)
    }
  }

  async #work(nodeId: number, work: () => Promise<void>): Promise<void> {
    this.holders.add(nodeId)
    this.taken++
    await work()
    this.holders.delete(nodeId)
  }
}

function take(me: string): WriteCommand {
  return { Txn: { compare: [{ key: LOCK, absent: true }], then: [{ Set: { key: LOCK, value: me } }] } }
}

function giveBack(me: string): WriteCommand {
  return { Txn: { compare: [{ key: LOCK, value: me }], then: [{ Delete: { key: LOCK } }] } }
}

/** Asks until there is an answer: a take or a giving back that is done twice does no more than once. */
async function certainly<T>(ask: () => Promise<T>, sleep: (ms: number) => Promise<void>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const again = error instanceof AspenError && (error.retryable || error.code === 'OUTCOME_UNKNOWN')
      if (!again) throw error
    }
    await sleep(20)
  }
}
