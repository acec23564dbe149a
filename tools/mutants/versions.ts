import type { Mutant } from './mutant.ts'

const HUNTER = 'test/node/versions.test.ts'

/** What the version of the cluster promises: nobody is handed what it cannot apply, and nobody goes past it. */
export const VERSIONS: readonly Mutant[] = [
  {
    name: 'raise the version without asking a learner',
    file: 'replica/requests/cluster-version.ts',
    find: 'const target = this.#context.raft.membership.members.reduce(',
    replace:
      'const { members, voters } = this.#context.raft.membership\n    const target = members.filter(({ id }) => voters.includes(id)).reduce(',
    hunter: HUNTER,
  },
  {
    name: 'raise the version at once when it is asked for, without the learner',
    file: 'replica/requests/cluster-version.ts',
    find: 'membership.members.filter((member) => this.#linkedVersion(member) < version)',
    replace: 'membership.members.filter((member) => member.id < 3 && this.#linkedVersion(member) < version)',
    hunter: HUNTER,
  },
  {
    name: 'raise the version before everybody has long said that it can',
    file: 'replica/requests/cluster-version.ts',
    find: 'if (heard === undefined || now - heard.since < VERSION_PATIENCE_MS) return 0',
    replace: 'if (heard === undefined) return 0',
    hunter: 'src/replica/requests/cluster-version.test.ts',
  },
  {
    name: 'propose a command before the version was raised',
    file: 'replica/requests/cluster-version.ts',
    find: 'if (needs <= has) return',
    replace: 'if (needs <= this.#parts.language.version) return',
    hunter: HUNTER,
  },
  {
    name: 'forget a version that is proposed when a learner is added',
    file: 'replica/requests/cluster-version.ts',
    find: 'return Math.max(this.current, this.#pending?.version ?? 0)',
    replace: 'return this.current',
    hunter: 'src/replica/requests/cluster-version.test.ts',
  },
  {
    name: 'decide about versions before the log of former leaders is applied',
    file: 'replica/requests/cluster-version.ts',
    find: "return raft.role === 'leader' && raft.termAt(this.#parts.engine.appliedIndex) === raft.term",
    replace: "return raft.role === 'leader'",
    hunter: 'src/replica/requests/cluster-version.test.ts',
  },
  {
    name: 'add a learner that cannot apply what is in force',
    file: 'replica/requests/membership-admin.ts',
    find: 'if (speaks < floor) return tooOld(nodeId, speaks, floor)',
    replace: '',
    hunter: HUNTER,
  },
  {
    name: 'apply the raise of the version as nothing',
    file: 'storage/state/apply-entries.ts',
    find: 'return { index, term, version: decodeSetVersion(entry.payload, language) }',
    replace: 'return { index, term }',
    hunter: HUNTER,
  },
  {
    name: 'store entries of the leader that this node cannot apply',
    file: 'replica/peers/intake.ts',
    find: 'if (needs > language.version) throw',
    replace: 'if (needs > 255) throw',
    hunter: HUNTER,
  },
  {
    name: 'take in a snapshot that this node cannot apply',
    file: 'replica/peers/snapshot-exchange.ts',
    find: 'if (clusterVersion > language.version)',
    replace: 'if (clusterVersion > 255)',
    hunter: HUNTER,
  },
  {
    name: 'start on a log that this node cannot apply',
    file: 'replica/recovery.ts',
    find: 'if (clusterVersion > version) return',
    replace: 'if (clusterVersion > 255) return',
    hunter: HUNTER,
  },
  {
    name: 'count a raise that was undone',
    file: 'storage/log/replay-segment.ts',
    find: 'if (held > lastIndex) replay.versions.delete(held)',
    replace: 'if (held > lastIndex + 1000) replay.versions.delete(held)',
    hunter: 'test/contracts/log-store.test.ts',
  },
  {
    name: 'retry what only a later program cures',
    file: 'node/fault.ts',
    find: "if (error instanceof LaterVersion) return 'version'\n",
    replace: '',
    hunter: HUNTER,
  },
  {
    name: 'exit as after any fault when a later program is needed',
    file: 'bin/node-program.ts',
    find: 'isLaterVersion(error) ? EXIT.LATER_VERSION : EXIT.FAULT',
    replace: 'EXIT.FAULT',
    hunter: 'src/bin/node-program.test.ts',
  },
]
