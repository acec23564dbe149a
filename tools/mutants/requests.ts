import type { Mutant } from './mutant.ts'

/** What becomes of writes: on the node that proposes them, on one that forwards them, and in the clients. */
export const REQUESTS: readonly Mutant[] = [
  {
    name: 'forwarder retries a write whose outcome is unknown',
    file: 'replica/requests/forwarder.ts',
    find: 'job.reply(outcomeUnknown(`the link to the leader, node ${leader}, broke before it answered`))',
    replace: 'this.#waiting.push(job)',
    hunter: 'cluster',
  },
  {
    name: 'forwarder calls an unanswered write undone',
    file: 'replica/requests/forwarder.ts',
    find: 'job.reply(outcomeUnknown(`the leader, node ${leader}, did not answer before the deadline`))',
    replace: 'job.reply(noLeader())',
    hunter: 'cluster',
  },
  {
    name: 'acknowledge a write in whose place another was committed',
    file: 'replica/requests/proposals.ts',
    find: 'if (waiter.term === term && !waiter.answersFromState) answer',
    replace: 'if (!waiter.answersFromState) answer',
    hunter: 'cluster',
  },
  {
    name: 'call a write undone that may still be committed',
    file: 'replica/requests/proposals.ts',
    find: "answer(waiter, outcomeUnknown('it was not committed before the deadline'))",
    replace: 'answer(waiter, notApplied(0))',
    hunter: 'cluster',
  },
  {
    name: 'acknowledge a write at its proposal',
    file: 'replica/requests/requests.ts',
    find: 'this.#proposals.committed(raft.commitIndex, (index)',
    replace: 'this.#proposals.committed(raft.lastLog.index, (index)',
    hunter: 'cluster',
  },
  {
    name: 'apply a repeated write of a client again',
    file: 'commands/sessions.ts',
    find: 'if (remembered !== undefined) return this.#repeat(remembered, digest)',
    replace: 'if (remembered !== undefined && remembered.sequence < sequence) return this.#repeat(remembered, digest)',
    hunter: 'test/contracts/state-machine.test.ts',
  },
  {
    name: 'client sends a write again that was sent',
    file: 'client/retry.ts',
    find: "if (!failure.sent || repeatable) return 'elsewhere'",
    replace: "return 'elsewhere'",
    hunter: 'src/client/retry.test.ts',
  },
  {
    name: 'HTTP client takes a write on a kept connection for unsent',
    file: 'client/exchange.ts',
    find: 'else sent = true',
    replace: 'else sent = false',
    hunter: 'test/http/kept-connection.test.ts',
  },
  {
    name: 'HTTP client holds every write for repeatable',
    file: 'client/http-client.ts',
    find: 'repeatable: checked.origin !== undefined,',
    replace: 'repeatable: true,',
    hunter: 'test/http/client.test.ts',
  },
  {
    name: 'link client takes a write on a broken link for unsent',
    file: 'client/link-session.ts',
    find: 'this.#settleAll(() => endedFailure(error, true))',
    replace: 'this.#settleAll(() => endedFailure(error, false))',
    hunter: 'test/client/link-bounds.test.ts',
  },
  {
    name: 'HTTP client sends a write again that was not answered',
    file: 'client/caller.ts',
    find: 'repeatable: call.repeatable,',
    replace: 'repeatable: true,',
    hunter: 'cluster',
  },
  {
    name: 'client calls a write undone that an earlier attempt may have done',
    file: 'client/attempts.ts',
    find: 'leavesOpen(failure)) open = failure',
    replace: 'leavesOpen(failure)) open = null',
    hunter: 'cluster',
  },
]
