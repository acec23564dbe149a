/** Stands between a node and a disk: refuses operations, or makes them take long. */
import type { Disk, DiskFile, Done } from '../../src/ports/index.ts'

/** What a call does to the disk; the calls that only read are left alone. */
export type Operation = 'open' | 'write' | 'writeDurably' | 'sync' | 'truncate' | 'remove' | 'rename' | 'syncDirectory'

export interface Faults {
  /** The error that an operation ends with, without taking effect, or undefined. */
  readonly fail?: (operation: Operation, name: string) => Error | undefined
  /** Runs a completion when the time that the disk takes is over; at once when absent. */
  readonly delay?: (run: () => void) => void
  /** Runs what an operation reports; never before the call has returned. */
  readonly defer: (run: () => void) => void
}

export function faultyDisk(disk: Disk, faults: Faults): Disk {
  const check = (operation: Operation, name: string): void => {
    const error = faults.fail?.(operation, name)
    if (error !== undefined) throw error
  }
  return {
    list: () => disk.list(),
    space: () => disk.space(),
    open: (name) => {
      if (!disk.list().includes(name)) check('open', name)
      return faultyFile(disk.open(name), faults, check)
    },
    remove: (name) => {
      check('remove', name)
      disk.remove(name)
    },
    rename: (from, to) => {
      check('rename', from)
      disk.rename(from, to)
    },
    syncDirectory: (done) => attempt(faults, 'syncDirectory', '', done, (ended) => disk.syncDirectory(ended)),
    syncDirectorySync: () => {
      check('syncDirectory', '')
      disk.syncDirectorySync()
    },
  }
}

function faultyFile(file: DiskFile, faults: Faults, check: (operation: Operation, name: string) => void): DiskFile {
  const { name } = file
  return {
    name,
    size: () => file.size(),
    readSync: (position, length) => file.readSync(position, length),
    read: (position, length, done) => file.read(position, length, done),
    write: (position, bytes, done) => attempt(faults, 'write', name, done, (ended) => file.write(position, bytes, ended)),
    writeDurably: (position, bytes, done) =>
      attempt(faults, 'writeDurably', name, done, (ended) => file.writeDurably(position, bytes, ended)),
    writeDurablySync: (position, bytes) => {
      check('writeDurably', name)
      file.writeDurablySync(position, bytes)
    },
    sync: (done) => attempt(faults, 'sync', name, done, (ended) => file.sync(ended)),
    syncSync: () => {
      check('sync', name)
      file.syncSync()
    },
    truncateSync: (length) => {
      check('truncate', name)
      file.truncateSync(length)
    },
    close: () => file.close(),
  }
}

function attempt(
  { fail, delay, defer }: Faults,
  operation: Operation,
  name: string,
  done: Done,
  run: (ended: Done) => void,
): void {
  const error = fail?.(operation, name)
  if (error !== undefined) return defer(() => done(error))
  run((failure) => {
    if (delay === undefined || operation === 'write') done(failure)
    else delay(() => done(failure))
  })
}
