/** Backups: what is in them, and what is found wrong with them. */
import type { Mutant } from './mutant.ts'

const BACKUP = 'test/cluster/backup.test.ts'

export const BACKUP_MUTANTS: readonly Mutant[] = [
  {
    name: 'back up what a node has without asking the cluster',
    file: 'node/node-service.ts',
    find: '      if (!local) await this.#readable(options)\n',
    replace: '',
    hunter: BACKUP,
  },
  {
    name: 'take a backup whose digest is another for whole',
    file: 'storage/backup/backup-decoder.ts',
    find: "if (!this.#pending.subarray(0, BACKUP_DIGEST_SIZE).equals(this.#digest.digest())) this.#fail('its digest is another')",
    replace: 'this.#digest.digest()',
    hunter: BACKUP,
  },
  {
    name: 'take a backup without its end for whole',
    file: 'storage/backup/backup-decoder.ts',
    find: "if (this.#stage !== 'end' || this.#header === undefined) {",
    replace: 'if (this.#header === undefined) {',
    hunter: BACKUP,
  },
  {
    name: 'hold the copy of a backup that nobody reads to its end',
    file: 'cluster/backup/backup-of.ts',
    find: '    } finally {\n      this.close()\n    }',
    replace: '    } finally {\n      this.#isRead = true\n    }',
    hunter: BACKUP,
  },
  {
    name: 'restore over a node',
    file: 'cluster/refound/restore.ts',
    find: 'if (directory.holdsNode)',
    replace: "if (directory.path === '')",
    hunter: BACKUP,
  },
]
