/** What every Disk must do, whatever it keeps its bytes in. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Disk, DiskFile, Done } from '../../src/ports/index.ts'

/** Calls something that reports through a callback; fails when it reports before it returns, or twice. */
export function complete(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let returned = false
    let calls = 0
    start((error) => {
      assert.ok(returned, 'the callback ran before the call returned')
      assert.equal(++calls, 1, 'the callback ran twice')
      if (error === undefined) resolve()
      else reject(error)
    })
    returned = true
  })
}

function read(file: DiskFile, position: number, length: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    let returned = false
    file.read(position, length, (error, bytes) => {
      assert.ok(returned, 'the callback ran before the call returned')
      if (error === undefined) resolve([...bytes])
      else reject(error)
    })
    returned = true
  })
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

export function diskContract(name: string, makeDisk: () => Disk): void {
  describe(`${name}: Disk contract`, () => {
    namesContract(makeDisk)
    contentContract(makeDisk)
    lifeCycleContract(makeDisk)
  })
}

function namesContract(makeDisk: () => Disk): void {
  test('list: is empty when nothing was created', () => {
    assert.deepEqual(makeDisk().list(), [])
  })

  test('list: is sorted when files were created in any order', () => {
    const disk = makeDisk()
    for (const file of ['b', 'a', 'c-10', 'c-1']) disk.open(file).close()
    assert.deepEqual(disk.list(), ['a', 'b', 'c-1', 'c-10'])
  })

  test('open: refuses a name with a path in it', () => {
    const disk = makeDisk()
    for (const file of ['../x', 'a/b', '', '.', '..']) assert.throws(() => disk.open(file), /flat folder/)
    assert.deepEqual(disk.list(), [])
  })

  test('remove: removes, and says nothing when the file is missing', () => {
    const disk = makeDisk()
    disk.open('a').close()
    disk.remove('a')
    disk.remove('a')
    assert.deepEqual(disk.list(), [])
  })

  test('rename: replaces what had the name, content and all', async () => {
    const disk = makeDisk()
    for (const [file, value] of [
      ['old', 1],
      ['new', 2],
    ] as const) {
      const opened = disk.open(file)
      await complete((done) => opened.writeDurably(0, bytes(value), done))
      opened.close()
    }
    disk.rename('new', 'old')
    assert.deepEqual(disk.list(), ['old'])
    assert.deepEqual([...disk.open('old').readSync(0, 10)], [2])
  })

  test('rename: throws when there is nothing to rename', () => {
    assert.throws(() => makeDisk().rename('a', 'b'), /ENOENT/)
  })

  test('syncDirectory: completes, later and at once', async () => {
    const disk = makeDisk()
    disk.open('a').close()
    await complete((done) => disk.syncDirectory(done))
    disk.syncDirectorySync()
  })

  test('space: reports free bytes within the total', () => {
    const { freeBytes, totalBytes } = makeDisk().space()
    assert.ok(freeBytes > 0 && freeBytes <= totalBytes)
  })
}

function contentContract(makeDisk: () => Disk): void {
  for (const operation of ['write', 'writeDurably'] as const) {
    test(`${operation}: is read back when it has completed`, async () => {
      const file = makeDisk().open('a')
      await complete((done) => file[operation](0, bytes(1, 2, 3), done))
      await complete((done) => file[operation](1, bytes(9), done))
      assert.deepEqual(await read(file, 0, 3), [1, 9, 3])
      assert.deepEqual([...file.readSync(0, 3)], [1, 9, 3])
      assert.equal(file.size(), 3)
    })

    test(`${operation}: leaves zeros between the end and its position`, async () => {
      const file = makeDisk().open('a')
      await complete((done) => file[operation](3, bytes(7), done))
      assert.deepEqual(await read(file, 0, 9), [0, 0, 0, 7])
    })

    test(`${operation}: takes megabytes and an empty array`, async () => {
      const file = makeDisk().open('a')
      const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251)
      await complete((done) => file[operation](5, large, done))
      await complete((done) => file[operation](0, bytes(), done))
      assert.equal(file.size(), large.length + 5)
      assert.equal(Buffer.compare(file.readSync(5, large.length), large), 0)
    })

    test(`${operation}: does not keep the caller's bytes once it has completed`, async () => {
      const file = makeDisk().open('a')
      const buffer = bytes(1, 2)
      await complete((done) => file[operation](0, buffer, done))
      buffer.fill(9)
      assert.deepEqual([...file.readSync(0, 2)], [1, 2])
    })
  }

  test('writeDurablySync: is read back when it has returned', () => {
    const file = makeDisk().open('a')
    file.writeDurablySync(2, bytes(4, 5))
    assert.deepEqual([...file.readSync(0, 9)], [0, 0, 4, 5])
  })

  test('read: returns fewer bytes at the end of the file and none behind it', async () => {
    const file = makeDisk().open('a')
    file.writeDurablySync(0, bytes(1, 2, 3))
    assert.deepEqual(await read(file, 1, 10), [2, 3])
    assert.deepEqual(await read(file, 3, 10), [])
    assert.deepEqual(await read(file, 100, 10), [])
    assert.deepEqual([...file.readSync(100, 10)], [])
    assert.deepEqual(await read(file, 0, 0), [])
  })

  test('read: gives bytes of its own when the file is written afterwards', async () => {
    const file = makeDisk().open('a')
    file.writeDurablySync(0, bytes(1))
    const before = file.readSync(0, 1)
    file.writeDurablySync(0, bytes(2))
    assert.deepEqual([...before], [1])
  })

  test('truncateSync: cuts, and what was cut reads as zeros when the file grows again', () => {
    const file = makeDisk().open('a')
    file.writeDurablySync(0, bytes(1, 2, 3, 4))
    file.truncateSync(2)
    assert.equal(file.size(), 2)
    file.writeDurablySync(3, bytes(9))
    assert.deepEqual([...file.readSync(0, 9)], [1, 2, 0, 9])
  })

  test('sync: completes, later and at once', async () => {
    const file = makeDisk().open('a')
    await complete((done) => file.write(0, bytes(1), done))
    await complete((done) => file.sync(done))
    file.syncSync()
    assert.deepEqual([...file.readSync(0, 1)], [1])
  })
}

function lifeCycleContract(makeDisk: () => Disk): void {
  test('open: finds the content when the file is opened again', () => {
    const disk = makeDisk()
    const file = disk.open('a')
    assert.equal(file.name, 'a')
    file.writeDurablySync(0, bytes(1))
    file.close()
    assert.deepEqual([...disk.open('a').readSync(0, 1)], [1])
  })

  test('open: two handles of one file see each other', () => {
    const disk = makeDisk()
    disk.open('a').writeDurablySync(0, bytes(5))
    assert.deepEqual([...disk.open('a').readSync(0, 1)], [5])
  })

  test('open: gives an empty file when one of that name was removed, and the old handle keeps the old content', async () => {
    const disk = makeDisk()
    const old = disk.open('a')
    old.writeDurablySync(0, bytes(1))
    disk.remove('a')
    assert.equal(disk.open('a').size(), 0)
    assert.deepEqual(await read(old, 0, 1), [1])
  })

  test('close: lets what is under way end, and refuses what comes after', async () => {
    const disk = makeDisk()
    const file = disk.open('a')
    const writing = complete((done) => file.writeDurably(0, bytes(1, 2), done))
    file.close()
    file.close()
    await writing
    assert.throws(() => file.readSync(0, 1), /closed/)
    assert.throws(() => file.write(0, bytes(1), () => undefined), /closed/)
    assert.deepEqual([...disk.open('a').readSync(0, 9)], [1, 2])
  })
}
