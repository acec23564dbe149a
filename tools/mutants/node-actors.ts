import type { Mutant } from './mutant.ts'

/** What the actors of a node promise: fencing of incarnations, what is never restarted past, who is told. */
export const NODE_ACTORS: readonly Mutant[] = [
  {
    name: 'open the next incarnation before the former has settled',
    file: 'node/actors/raft-actor.ts',
    find: 'handle.present = null\n',
    replace: 'handle.present = null\n    ended.answer()\n',
    hunter: 'test/node/supervision.test.ts',
  },
  {
    name: 'restart past a broken invariant',
    file: 'node/fault.ts',
    find: "return fault.kind === 'other'",
    replace: "return fault.kind === 'other' || (fault.kind as string) === 'invariant'",
    hunter: 'test/node/supervision.test.ts',
  },
  {
    name: 'try a log that cannot be believed again and again',
    file: 'node/actors/raft-supervisor.ts',
    find: 'mayRestart: (error) => isRestartable(faultOf(error)),',
    replace: 'mayRestart: () => true,',
    hunter: 'test/node/supervision.test.ts',
  },
  {
    name: 'restart past a sync that failed while the replica ended',
    file: 'node/actors/raft-actor.ts',
    find: 'if (error !== undefined) this.#unsettled(',
    replace: 'if (error === null) this.#unsettled(',
    hunter: 'test/node/supervision.test.ts',
  },
  {
    name: 'take what a log reports as failed for a mistake of the code',
    file: 'replica/turn/guarded-stores.ts',
    find: 'error === undefined || speaksForItself(error) ? error : new StoreFailure(error)',
    replace: 'error',
    hunter: 'src/replica/turn/guarded-stores.test.ts',
  },
  {
    name: 'leave the callers of a replica that ends without an answer',
    file: 'node/actors/raft-supervisor.ts',
    find: 'onDropped: (_, body) => (body as RaftActorMessage).reply(handle.refusal()),',
    replace: 'onDropped: () => undefined,',
    hunter: 'test/node/raft-actor.test.ts',
  },
  {
    name: 'tell nobody that a replica has ended',
    file: 'wire/channel-table.ts',
    find: '        this.#sayAll(id, false)\n',
    replace: '',
    hunter: 'test/node/supervision.test.ts',
  },
  {
    name: 'take one that is busy for ill',
    file: 'node/actors/health-monitor-actor.ts',
    find: "if (now !== turns) return 'busy'",
    replace: "if (now < turns) return 'busy'",
    hunter: 'test/node/health-monitor.test.ts',
  },
  {
    name: 'blame a stall of the process on an actor',
    file: 'node/actors/health-monitor-actor.ts',
    find: "return waitedMs >= 2 * HEALTH_CHECK_TIMEOUT_MS ? 'stalled' : 'missed'",
    replace: "return 'missed'",
    hunter: 'test/node/health-monitor.test.ts',
  },
  {
    name: 'serve what a peer that has left a channel had on its way',
    file: 'wire/channel-table.ts',
    find: 'attached === undefined || this.#attendance.isAbsent(endpointId, attached.kind.id)',
    replace: 'attached === undefined',
    hunter: 'src/wire/channel-table.test.ts',
  },
  {
    name: 'end a shrunken peer book’s members',
    file: 'peers/peer-book.ts',
    find: 'while (this.#entries.size > capacity && this.#removeLeast(ASKED_FOR_RANK));',
    replace: 'while (this.#entries.size > capacity && this.#removeLeast(Number.POSITIVE_INFINITY));',
    hunter: 'test/node/node-actors.test.ts',
  },
]
