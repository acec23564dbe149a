import type { Mutant } from './mutant.ts'

const MESSAGES = 'test/actor/messages.test.ts'
const SUPERVISION = 'test/actor/supervision.test.ts'
const FENCING = 'test/actor/fencing.test.ts'
const RANDOM = 'test/actor/random-lives.test.ts'
const POLICY = 'src/actor/restart-policy.test.ts'

/** That actors handle one message at a time, end in order, and that no life reaches into the next one. */
export const ACTORS: readonly Mutant[] = [
  {
    name: 'handle a message while a promise of the one before is open',
    file: 'actor/cell.ts',
    find: "this.#phase === 'running' && !this.#waiting && !this.isEmpty && this.#isWanted",
    replace: "this.#phase === 'running' && !this.isEmpty && this.#isWanted",
    hunter: MESSAGES,
  },
  {
    name: 'handle a message whose caller has given up',
    file: 'actor/cell.ts',
    find: '      if (call.settled) return\n',
    replace: '',
    hunter: MESSAGES,
  },
  {
    name: 'let messages have the names that every object has',
    file: 'actor/cell.ts',
    find: "typeof handler !== 'function' || message in Object.prototype",
    replace: "typeof handler !== 'function'",
    hunter: MESSAGES,
  },
  {
    name: 'end a life beside its children',
    file: 'actor/cell.ts',
    find: '    else children.stopAll(() => this.#runHook(life, reason))',
    replace: '    else {\n      this.#runHook(life, reason)\n      children.stopAll(() => undefined)\n    }',
    hunter: RANDOM,
  },
  {
    name: 'wait for ever for a life that does not end',
    file: 'actor/cell.ts',
    find: '    this.#deadline ??= this.#armDeadline()\n    const { children } = this',
    replace: '    const { children } = this',
    hunter: SUPERVISION,
  },
  {
    name: 'kill an actor and leave its children',
    file: 'actor/cell.ts',
    find: '    this.#children?.killAll()\n',
    replace: '',
    hunter: RANDOM,
  },
  {
    name: 'leave those in the mailbox of a dead actor without an answer',
    file: 'actor/cell.ts',
    find: '    this.refuseWaiting()\n    this.supervisor.childGone(this)',
    replace: '    this.supervisor.childGone(this)',
    hunter: SUPERVISION,
  },
  {
    name: 'leave the caller of a dead life without an answer',
    file: 'actor/life.ts',
    find: "for (const call of calls ?? []) call.refuse(new ActorError('CRASHED', words, { begun: true }))",
    replace: "if (calls === undefined) throw new ActorError('CRASHED', words)",
    hunter: SUPERVISION,
  },
  {
    name: 'let a promise of a former life go on in the next one',
    file: 'actor/cell.ts',
    find: '        if (life.over) return\n        this.#waiting = false\n        call?.answer(value)',
    replace: '        this.#waiting = false\n        call?.answer(value)',
    hunter: FENCING,
  },
  {
    name: 'live on when a start ends after its life',
    file: 'actor/cell.ts',
    find: "if (life.over || this.#phase !== 'starting') return",
    replace: 'if (life.over) return',
    hunter: FENCING,
  },
  {
    name: 'end a life twice',
    file: 'actor/cell.ts',
    find: "    if (this.#phase === 'running') this.#endLife(reason)\n",
    replace: '    this.#endLife(reason)\n',
    hunter: FENCING,
  },
  {
    name: 'end a life under its own handler',
    file: 'actor/cell.ts',
    find: '    this.#handling = true\n',
    replace: '',
    hunter: FENCING,
  },
  {
    name: 'go on with a restart that another failure has overtaken',
    file: 'actor/supervision.ts',
    find: "if (round !== this.#round || one.phase !== 'down') next()",
    replace: "if (one.phase !== 'down') next()",
    hunter: FENCING,
  },
  {
    name: 'start a child again that was stopped in its pause',
    file: 'actor/supervision.ts',
    find: '    this.#failing.get(cell)?.pause?.cancel()\n',
    replace: '',
    hunter: RANDOM,
  },
  {
    name: 'count a failure during the pause of the others',
    file: 'actor/supervision.ts',
    find: '    if (failing.isPaused) return\n',
    replace: '',
    hunter: SUPERVISION,
  },
  {
    name: 'restart a temporary child with the others',
    file: 'actor/supervision.ts',
    find: "one.restart === 'temporary' ? one.stop(next) : one.halt(next)",
    replace: 'one.halt(next)',
    hunter: SUPERVISION,
  },
  {
    name: 'close a circuit without a try',
    file: 'actor/restart-policy.ts',
    find: "if (this.#circuit === 'open') this.#circuit = 'half-open'",
    replace: "if (this.#circuit === 'open') this.#circuit = 'closed'",
    hunter: POLICY,
  },
  {
    name: 'restart once more than may be',
    file: 'actor/restart-policy.ts',
    find: 'this.#restarts.length >= this.#settings.maxRestarts',
    replace: 'this.#restarts.length > this.#settings.maxRestarts',
    hunter: POLICY,
  },
  {
    name: 'never forget a pause',
    file: 'actor/restart-policy.ts',
    find: '    this.#pauses = 0\n',
    replace: '',
    hunter: POLICY,
  },
]
