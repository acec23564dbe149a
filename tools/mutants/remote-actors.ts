import type { Mutant } from './mutant.ts'

const REMOTE = 'test/actor/remote.test.ts'
const HOSTILE = 'test/actor/remote-hostile.test.ts'
const MEMORY = 'test/actor/remote-memory.test.ts'
const MONITORS = 'test/actor/remote-monitors.test.ts'
const GROUPS = 'test/actor/remote-groups.test.ts'
const RANDOM = 'test/actor/remote-random.test.ts'
const DATA = 'test/actor/plain-data.test.ts'

/** That messages between nodes are handled once, in order, in time and within bounds, and that what is lost is told. */
export const REMOTE_ACTORS: readonly Mutant[] = [
  {
    name: 'send a message that waited for credit with every credit that comes',
    file: 'actor/remote/asking.ts',
    find: '        this.#unwait(stream, request)\n',
    replace: '',
    hunter: REMOTE,
  },
  {
    name: 'let a small message overtake a large one that waits for credit',
    file: 'actor/remote/asking.ts',
    find: 'if (this.#outgoing.isBlocked || stream.waiting.size > 0) return false',
    replace: 'if (this.#outgoing.isBlocked) return false',
    hunter: HOSTILE,
  },
  {
    name: 'give no credit back for calls',
    file: 'actor/remote/askers.ts',
    find: '    this.#begun = true\n    this.#holder.released(this.#bytes)\n',
    replace: '    this.#begun = true\n',
    hunter: RANDOM,
  },
  {
    name: 'begin a call of another node whose deadline has passed',
    file: 'actor/remote/askers.ts',
    find: 'this.#serving.isOver || this.#serving.now() > this.#until',
    replace: 'this.#serving.isOver',
    hunter: RANDOM,
  },
  {
    name: 'tell the monitors of remote actors nothing of a lost link',
    file: 'actor/remote/remote-watches.ts',
    find: '      watch.isAsked = false\n      watch.tell(unreachable(words))\n',
    replace: '      watch.isAsked = false\n',
    hunter: MONITORS,
  },
  {
    name: 'say of a call that was lost with its link that it was not begun',
    file: 'actor/remote/asking.ts',
    find: '`${words}, before it was answered`, true)',
    replace: '`${words}, before it was answered`)',
    hunter: RANDOM,
  },
  {
    name: 'leave calls open whose link is lost',
    file: 'actor/remote/talk.ts',
    find: '    this.asking.end(words)\n',
    replace: '',
    hunter: REMOTE,
  },
  {
    name: 'believe that peers keep to their credit',
    file: 'actor/remote/serving.ts',
    find: '    if (!this.#mayHold(stream, bytes)) return this.#overdrawn()\n',
    replace: '',
    hunter: HOSTILE,
  },
  {
    name: 'take answers to calls that were never made for late ones',
    file: 'actor/remote/asking.ts',
    find: 'if (id > this.#lastCall || this.#givenUp === 0) throw',
    replace: 'if (id > this.#lastCall + 100) throw',
    hunter: HOSTILE,
  },
  {
    name: 'hear what is left of a former talk',
    file: 'actor/remote/talk.ts',
    find: "if (heard !== this.#own || this.#phase === 'talking') return",
    replace: "if (this.#phase === 'talking') return",
    hunter: HOSTILE,
  },
  {
    name: 'keep calls for ever that nobody answers',
    file: 'actor/remote/serving.ts',
    find: '    this.#runtime.deadlines.add(caller, 2 ** Math.ceil(Math.log2(leftMs)))\n',
    replace: '    this.#runtime.deadlines.add(caller, leftMs + 2 ** 30)\n',
    hunter: HOSTILE,
  },
  {
    name: 'keep all answers for a peer that takes none',
    file: 'actor/remote/serving.ts',
    find: 'body.length > SHORT_ANSWER_BYTES && !this.#outgoing.hasRoomForAnswer',
    replace: 'body.length > 2 ** 30 && !this.#outgoing.hasRoomForAnswer',
    hunter: HOSTILE,
  },
  {
    name: 'go on watching remote actors for nobody',
    file: 'actor/remote/remote-watches.ts',
    find: '    if (watch.isAsked) this.#node?.watch(name, false)\n',
    replace: '',
    hunter: MONITORS,
  },
  {
    name: 'list the members of groups that are out of reach',
    file: 'actor/remote/remote-groups.ts',
    find: '    if (node !== null && node !== undefined) this.#groups.forget(node)\n',
    replace: '',
    hunter: GROUPS,
  },
  {
    name: 'believe a peer any number of members',
    file: 'actor/remote/remote-groups.ts',
    find: 'said.memberships.size >= MAX_GROUP_MEMBERSHIPS && !said',
    replace: 'said.memberships.size >= 2 * MAX_GROUP_MEMBERSHIPS && !said',
    hunter: GROUPS,
  },
  {
    name: 'say what actors say in the lane of appends',
    file: 'ports/channel-kinds.ts',
    find: "topLane: 'bulk', maxQueueBytes: MAX_ACTORS_QUEUE_BYTES",
    replace: "topLane: 'normal', maxQueueBytes: MAX_ACTORS_QUEUE_BYTES",
    hunter: 'test/bad-days/slow-link.test.ts',
  },
  {
    name: 'leave calls waiting when those before them are given up',
    file: 'actor/remote/asking.ts',
    find: '    this.#givenUp++\n    this.#settled(call.id)\n',
    replace: '    this.#givenUp++\n    this.#calls.delete(call.id)\n',
    hunter: HOSTILE,
  },
  {
    name: 'unpack the messages of peers before they are in hand',
    file: 'actor/remote/serving.ts',
    find: 'wantsAnswer) : new Sealed(body, this.#spoiled)',
    replace: 'wantsAnswer) : (decodePlainData(body), new Sealed(body, this.#spoiled))',
    hunter: MEMORY,
  },
  {
    name: 'keep all that came with a message of a peer',
    file: 'actor/elsewhere.ts',
    find: 'this.#body = body.slice()',
    replace: 'this.#body = body',
    hunter: MEMORY,
  },
  {
    name: 'forget what a peer has here when it links anew, or closes its streams',
    file: 'actor/remote/serving.ts',
    find: '    if (!this.#allHeld.mayHold(this.#endpointId, size)) return false\n',
    replace: '',
    hunter: MEMORY,
  },
  {
    name: 'never give back the room that messages of peers took',
    file: 'actor/remote/serving.ts',
    find: '    this.#allHeld.release(this.#endpointId, bytes)\n',
    replace: '',
    hunter: MEMORY,
  },
  {
    name: 'let the peers that came first fill all the room for messages that wait',
    file: 'actor/remote/held-bytes.ts',
    find: 'Math.min(MAX_REMOTE_PEER_BYTES, MAX_REMOTE_TOTAL_BYTES - all)',
    replace: 'MAX_REMOTE_PEER_BYTES',
    hunter: MEMORY,
  },
  {
    name: 'let keys that belong to no member take the room of members',
    file: 'actor/remote/held-bytes.ts',
    find: 'return all <= MAX_REMOTE_STRANGER_BYTES || this.#isMember(endpointId)',
    replace: 'return true',
    hunter: MEMORY,
  },
  {
    name: 'tell callers on other nodes where an actor stands in this one',
    file: 'actor/remote/askers.ts',
    find: 'underName(own, this.#cell.path, this.#holder.name)',
    replace: 'own',
    hunter: REMOTE,
  },
  {
    name: 'keep the calls of a talk that is over',
    file: 'actor/remote/serving.ts',
    find: '    for (const caller of this.#kept) caller.expired()\n',
    replace: '',
    hunter: MEMORY,
  },
  {
    name: 'keep the calls of a peer as long as it likes',
    file: 'actor/remote/serving.ts',
    find: 'Math.min(remainingMs, MAX_REMOTE_CALL_MS)',
    replace: 'Math.min(remainingMs, 2 ** 31 - 1)',
    hunter: MEMORY,
  },
  {
    name: 'let the bytes of a message set a prototype',
    file: 'actor/plain-data/decode.ts',
    find: 'if (!(key in object)) object[key] = value',
    replace: 'if (!Object.hasOwn(object, key)) object[key] = value',
    hunter: DATA,
  },
  {
    name: 'let two encodings be of one message',
    file: 'actor/plain-data/decode.ts',
    find: "if (bytes[0] === 0) this.#reader.fail('a bigint is longer than it needs to be')",
    replace: '',
    hunter: DATA,
  },
]
