/** A cluster that is founded anew: from a survivor, or from a backup. */
import type { Mutant } from './mutant.ts'

const RECOVER = 'test/cluster/recover.test.ts'
const SWAP = 'test/cluster/founding-directory.test.ts'
const FOUND_ANEW = 'test/cluster/found-anew.test.ts'

export const RECOVERY: readonly Mutant[] = [
  {
    name: 'found a cluster anew with the revisions of the old one',
    file: 'commands/refounded-state.ts',
    find: 'const revision = facts.revision + REVISION_JUMP',
    replace: 'const revision = facts.revision',
    hunter: RECOVER,
  },
  {
    name: 'found a cluster anew with the log ids of the old one',
    file: 'cluster/refound/found-anew.ts',
    find: 'const index = source.last.index + REVISION_JUMP',
    replace: 'const index = source.last.index + 1',
    hunter: RECOVER,
  },
  {
    name: 'forget the sum of the row that says where the state comes from',
    file: 'commands/refounded-state.ts',
    find: 'rowsSum: addHash(without, rowHash(SPACES.origin, this.origin))',
    replace: 'rowsSum: without',
    hunter: RECOVER,
  },
  {
    name: 'recover without the tail of the log that was never known to be committed',
    file: 'cluster/refound/survivor.ts',
    find: 'await applyAll(stores, last.index)',
    replace: 'await applyAll(stores, stateMachine.info().applied.index)',
    hunter: RECOVER,
  },
  {
    name: 'move the old node away before the record that the new one is whole',
    file: 'cluster/refound/founding-directory.ts',
    find: '    writeFoundingRecord(this.path, record)\n    if (!record.aside',
    replace: '    if (!record.aside',
    hunter: SWAP,
  },
  {
    name: 'move the new node away with the old one when a recovery goes on',
    file: 'cluster/refound/founding-directory.ts',
    find: 'if (!record.aside && asideFolder !== null) {',
    replace: 'if (asideFolder !== null) {',
    hunter: SWAP,
  },
  {
    name: 'start a node in the middle of a recovery',
    file: 'cluster/stores/open-stores.ts',
    find: 'if (readFoundingRecord(directory) !== undefined)',
    replace: 'if (readFoundingRecord(directory) === null)',
    hunter: RECOVER,
  },
  {
    name: 'rejoin in the middle of a recovery',
    file: 'cluster/rejoin/rejoin.ts',
    find: 'if (readFoundingRecord(directory.path) !== undefined)',
    replace: 'if (readFoundingRecord(directory.path) === null)',
    hunter: RECOVER,
  },
  {
    name: 'recover beside members that run',
    file: 'cluster/refound/recover.ts',
    find: 'if (running.length === 0 || options.evenIfOthersRun) return',
    replace: 'if (running.length >= 0 || options.evenIfOthersRun) return',
    hunter: RECOVER,
  },
  {
    name: 'recover an only voter',
    file: 'cluster/refound/recover.ts',
    find: 'if (deciding.size === 1 && deciding.has(nodeId))',
    replace: 'if (deciding.size === 0 && deciding.has(nodeId))',
    hunter: RECOVER,
  },
  {
    name: 'recover whatever id is typed',
    file: 'cluster/refound/recover.ts',
    find: 'if (confirmed !== old)',
    replace: "if (confirmed === '')",
    hunter: RECOVER,
  },
  {
    name: 'keep from members of the old cluster why they are refused',
    file: 'net/link/handshake.ts',
    find: "throw refusalError('CLUSTER_MISMATCH', false, clustersInWords(own, claims))",
    replace: "throw refusalError('CLUSTER_MISMATCH', false)",
    hunter: RECOVER,
  },
  {
    name: 'give a damaged state up though log and snapshot have it all',
    file: 'cluster/refound/survivor.ts',
    find: "if (error instanceof StateError && error.code === 'CORRUPT') return readCopy(directory, copy, nodeId)",
    replace: '',
    hunter: RECOVER,
  },
  {
    name: 'count the row that says where a state comes from once more at each founding',
    file: 'commands/refounded-state.ts',
    find: 'rows: this.#former === undefined ? 1 : 0',
    replace: 'rows: 1',
    hunter: FOUND_ANEW,
  },
  {
    name: 'name the cluster before the last at the next founding',
    file: 'commands/refounded-state.ts',
    find: 'return space === SPACES.origin ? this.origin : row',
    replace: 'return row',
    hunter: FOUND_ANEW,
  },
]
