import type { Mutant } from './mutant.ts'

const THREADED = 'test/actor/threads/threaded.test.ts'
const CROSSING = 'test/actor/threads/crossing.test.ts'
const RANDOM = 'test/actor/threads/random-threads.test.ts'
const WATCHDOG = 'src/threads/watchdog.test.ts'
const LATERS = 'src/actor/thread/open-laters.test.ts'

/** That an actor in a thread is what it would be in none: its mailbox, its answers, its end; and that a thread is ended when it must be, and only then. */
export const ACTOR_THREADS: readonly Mutant[] = [
  {
    name: 'copy what goes to a thread when it is handed over',
    file: 'actor/reference.ts',
    find: 'return (cell.isElsewhere ? new CopyingRef(cell) : new UntypedRef(cell)) as unknown',
    replace: 'return new UntypedRef(cell) as unknown',
    hunter: THREADED,
  },
  {
    name: 'take what a thread cannot answer for a crash',
    file: 'actor/thread/threaded-life.ts',
    find: '    if (Refusal.is(error)) return inHand.reject(error)\n',
    replace: '    if (error instanceof Error) return inHand.reject(error)\n',
    hunter: THREADED,
  },
  {
    name: 'leave those in a thread that has died without a word',
    file: 'actor/thread/actor-thread.ts',
    find: 'for (const lodger of lodgers) lodger.lost(error)',
    replace: 'if (lodgers.length > 1_000) for (const lodger of lodgers) lodger.lost(error)',
    hunter: RANDOM,
  },
  {
    name: 'let an actor live in a thread that has died',
    file: 'actor/thread/actor-thread.ts',
    find: '    this.#keeper.closed(this)\n',
    replace: '',
    hunter: RANDOM,
  },
  {
    name: 'leave the thread of an actor that was killed',
    file: 'actor/thread/threaded-life.ts',
    find: '    this.#leave(() => undefined)\n',
    replace: '    this.#hasLeft = true\n',
    hunter: RANDOM,
  },
  {
    name: 'let an actor that was killed live on in its thread',
    file: 'actor/thread/threaded-life.ts',
    find: "if (!this.#isOverThere) this.#tell({ type: 'kill', life: this.#life })",
    replace: 'if (this.#hasLeft) return',
    hunter: RANDOM,
  },
  {
    name: 'say nothing of an actor that ends by itself in its thread',
    file: 'actor/host/hosted-life.ts',
    find: "this.#tell({ type: 'stopping', life: this.#life })",
    replace: "if (this.#life < 0) this.#tell({ type: 'stopping', life: this.#life })",
    hunter: THREADED,
  },
  {
    name: 'take the end of a life in a thread for one for good',
    file: 'actor/host/hosted-cell.ts',
    find: '    this.#listener.leaving()\n',
    replace: '    this.#listener.stopping()\n',
    hunter: RANDOM,
  },
  {
    name: 'not hear what an actor in a thread wants of itself while it is ended',
    file: 'actor/thread/threaded-life.ts',
    find: "      case 'stopping':\n",
    replace: "      case 'stopping':\n        if (this.#ending !== null) return\n",
    hunter: THREADED,
  },
  {
    name: 'take the orderly end of an actor in a thread for a crash, when a message was on its way to it',
    file: 'actor/thread/threaded-life.ts',
    find: 'else if (this.#endsItself && inHand !== null)',
    replace: 'else if (inHand === null && this.#starting === null)',
    hunter: CROSSING,
  },
  {
    name: 'let a message fall that was on its way to an actor in a thread',
    file: 'actor/handling.ts',
    find: '      if (answer instanceof Unbegun) this.dropped(answer.message, answer.body)\n',
    replace: '',
    hunter: CROSSING,
  },
  {
    name: 'start those of a pool that was stopped again and again',
    file: 'actor/thread/place.ts',
    find: 'cell.stop(() => undefined)',
    replace: 'cell.leave()',
    hunter: RANDOM,
  },
  {
    name: 'hold up the mailbox of an actor in a thread until it answers',
    file: 'actor/handling.ts',
    find: '    call.postponed?.()\n',
    replace: '',
    hunter: RANDOM,
  },
  {
    name: 'keep what a thread never answers',
    file: 'actor/thread/open-laters.ts',
    find: 'if (!isAwaited) this.#laters.delete(id)',
    replace: 'if (id < 0 && !isAwaited) this.#laters.delete(id)',
    hunter: LATERS,
  },
  {
    name: 'forget who waits for a thread',
    file: 'actor/thread/open-laters.ts',
    find: 'if (!isAwaited) this.#laters.delete(id)',
    replace: 'if (id >= 0 || isAwaited) this.#laters.delete(id)',
    hunter: LATERS,
  },
  {
    name: 'never miss the answer of a thread',
    file: 'threads/watchdog.ts',
    find: '} else if (++this.#missed === CHECKS) {',
    replace: '} else if (this.#missed === CHECKS) {',
    hunter: WATCHDOG,
  },
  {
    name: 'blame a thread for what could not be heard',
    file: 'threads/watchdog.ts',
    find: 'this.#clock.setTimer(this.#checkMs, () => this.#clock.defer(() => this.#check()))',
    replace: 'this.#clock.setTimer(this.#checkMs, () => this.#check())',
    hunter: WATCHDOG,
  },
  {
    name: 'count what a thread missed before it answered',
    file: 'threads/watchdog.ts',
    find: '    this.#missed = 0\n',
    replace: '',
    hunter: WATCHDOG,
  },
]
