/** A process that is killed by the tests of the SQLite state machine. */
import { NodeDisk } from '../../src/storage/disk/index.ts'
import { openSnapshotFiles, openSqliteStateMachine } from '../../src/storage/index.ts'
import { LogWriter, membershipOf, settled } from './state-machine-fixture.ts'

const [stateDirectory = '', snapshotDirectory = '', task = 'restore'] = process.argv.slice(2)
const snapshots = openSnapshotFiles(new NodeDisk(snapshotDirectory), { directory: snapshotDirectory })
const machine = openSqliteStateMachine({ directory: stateDirectory, snapshots })

/** Applies until it is killed, telling once how far it got. */
function applyForEver(): void {
  const log = new LogWriter()
  machine.apply([log.membership(membershipOf(1))])
  const next = (): void => {
    machine.apply([log.set(`key-${log.index}`, 'value'), log.set(`key-${log.index}`, 'value')])
    // Later than the first transactions, however many entries they hold.
    if (log.index === 5001) process.send?.(log.index)
    setImmediate(next)
  }
  next()
}

if (task === 'apply') {
  applyForEver()
} else if (task === 'idle') {
  const log = new LogWriter()
  machine.apply([log.membership(membershipOf(1)), log.set('a', '1')])
  await settled((done) => machine.checkpoint(done))
} else {
  const newest = snapshots.newest()
  if (newest === null) throw new Error('there is nothing to restore')
  process.send?.('restoring')
  await settled((done) => machine.restore(newest, done))
  process.send?.('restored')
  // Stays until it is killed.
  setInterval(() => undefined, 1000)
}
