import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../api/index.ts'
import { mostGrowthOf } from '../../commands/index.ts'
import type { Growth } from '../../commands/index.ts'
import { DISK_CHECK_INTERVAL_MS } from '../../limits.ts'
import type { Clock, Volume } from '../../ports/index.ts'
import { DiskReserve } from './disk-reserve.ts'

const key = Uint8Array.of(1)
const SET: Growth = mostGrowthOf({ type: 'batch', operations: [{ type: 'set', key, value: new Uint8Array(1000) }] })
const DELETE: Growth = mostGrowthOf({ type: 'batch', operations: [{ type: 'delete', key }] })
const READ: Growth = mostGrowthOf({ type: 'txn', compare: [], then: [{ type: 'get', key }], else: [] })

class FakeVolume implements Volume {
  readonly directory: string
  freeBytes = 1_000_000
  totalBytes = 1_000_000
  error: Error | null = null
  looks = 0

  constructor(directory = '/data') {
    this.directory = directory
  }

  space(): { freeBytes: number; totalBytes: number } {
    this.looks++
    if (this.error !== null) throw this.error
    return { freeBytes: this.freeBytes, totalBytes: this.totalBytes }
  }
}

class Bench {
  static reserveBytes: number | null = null
  readonly volumes: readonly FakeVolume[]
  readonly said: string[] = []
  readonly reserve: DiskReserve
  #timer: (() => void) | null = null

  constructor(...volumes: readonly FakeVolume[]) {
    this.volumes = volumes
    const clock: Clock = {
      now: () => 0,
      defer: () => assert.fail('nothing is deferred'),
      setTimer: (delayMs, run) => {
        assert.equal(delayMs, DISK_CHECK_INTERVAL_MS)
        this.#timer = run
        return { cancel: () => void (this.#timer = null) }
      },
    }
    const logger = { log: (level: string, message: string) => void this.said.push(`${level}: ${message.slice(0, 40)}`) }
    this.reserve = new DiskReserve({ nodeId: 1, volumes, clock, logger, reserveBytes: Bench.reserveBytes })
    this.reserve.start()
  }

  get watching(): boolean {
    return this.#timer !== null
  }

  /** The time between two looks passes. */
  passTime(): void {
    const run = this.#timer
    this.#timer = null
    run?.()
  }

  write(growth: Growth): string {
    try {
      this.reserve.check(growth, 1000)
      return 'passed'
    } catch (error) {
      assert.ok(error instanceof AspenError)
      return `${error.code} ${error.status}`
    }
  }
}

describe('DiskReserve', () => {
  test('check: refuses what could grow the store above 95 %, lets deletes and reads pass, and clears by itself', () => {
    const volume = new FakeVolume()
    const bench = new Bench(volume)
    volume.freeBytes = 50_000
    bench.passTime()
    assert.equal(bench.write(SET), 'passed')
    volume.freeBytes = 49_900
    bench.passTime()
    assert.deepEqual([bench.write(SET), bench.write(DELETE), bench.write(READ)], ['DISK_FULL 507', 'passed', 'passed'])
    assert.equal(bench.reserve.status?.refusedWrites, 1)
    volume.freeBytes = 300_000
    bench.passTime()
    assert.equal(bench.write(SET), 'passed')
    assert.deepEqual(bench.said, [
      'warn: a volume of this node is small: what is ',
      'warn: a volume of this node is nearly full: as',
      'info: the volumes of this node have room again',
    ])
  })

  test('start: says that a reserve is larger than its volume', () => {
    Bench.reserveBytes = 2_000_000
    try {
      const bench = new Bench(new FakeVolume())
      assert.equal(bench.said[1], 'warn: what is to be kept free (disk_reserve_mi')
      assert.equal(bench.write(SET), 'DISK_FULL 507')
    } finally {
      Bench.reserveBytes = null
    }
  })

  test('check: says which volume, how full it is, and what to do', () => {
    const volume = new FakeVolume('/var/lib/aspen/log')
    volume.freeBytes = 31_000
    const bench = new Bench(volume)
    assert.throws(() => bench.reserve.check(SET, 1000), {
      message:
        /the volume of \/var\/lib\/aspen\/log on node 1, the leader, is 96\.9 % full; its last 50000 bytes are kept, .* free space on it or enlarge it/,
      details: { node_id: 1, directory: '/var/lib/aspen/log', used_percent: 96.9, free_bytes: 31_000 },
    })
  })

  test('check: lets writes pass on a large volume that is nearly full and has room for years', () => {
    const volume = new FakeVolume()
    volume.totalBytes = 10 ** 12
    volume.freeBytes = 33 * 10 ** 9
    const bench = new Bench(volume)
    assert.equal(bench.write(SET), 'passed')
    assert.equal(bench.reserve.status?.isLow, false)
    volume.freeBytes = 8 * 2 ** 30 - 1
    bench.passTime()
    assert.throws(() => bench.reserve.check(SET, 1000), /is 99\.2 % full; its last 8192 MiB are kept/)
  })

  test('check: keeps what a setting says, more or less than it would by itself', () => {
    const volume = new FakeVolume()
    volume.totalBytes = 10 ** 12
    for (const reserveBytes of [64 * 2 ** 20, 100 * 2 ** 30]) {
      volume.freeBytes = reserveBytes
      Bench.reserveBytes = reserveBytes
      const bench = new Bench(volume)
      Bench.reserveBytes = null
      assert.equal(bench.write(SET), 'passed')
      volume.freeBytes = reserveBytes - 1
      bench.passTime()
      assert.equal(bench.write(SET), 'DISK_FULL 507')
    }
  })

  test('start: a volume without room counts before one that is fuller and has room', () => {
    const [large, small] = [new FakeVolume('/large'), new FakeVolume('/small')]
    large.totalBytes = 10 ** 13
    large.freeBytes = 10 ** 11
    small.freeBytes = 40_000
    const bench = new Bench(large, small)
    assert.equal(bench.reserve.status?.directory, '/small')
    assert.equal(bench.write(SET), 'DISK_FULL 507')
  })

  test('check: does not ask the disk at every write', () => {
    const volume = new FakeVolume()
    const bench = new Bench(volume)
    for (let i = 0; i < 200; i++) bench.write(SET)
    assert.equal(volume.looks, 1)
  })

  test('check: looks again before the interval is over when the writes since then could have used what is left', () => {
    const volume = new FakeVolume()
    volume.freeBytes = 90_000
    const bench = new Bench(volume)
    let passed = 0
    while (bench.write(SET) === 'passed') {
      assert.ok(passed++ < 100, 'the reserve is gone')
      volume.freeBytes -= 1000
    }
    assert.ok(volume.freeBytes > 35_000, `${volume.freeBytes} bytes are left of a reserve of 50,000`)
  })

  test('start: watches the fullest of several volumes', () => {
    const [log, state] = [new FakeVolume('/log'), new FakeVolume('/state')]
    const bench = new Bench(log, state)
    state.freeBytes = 10_000
    bench.passTime()
    assert.equal(bench.reserve.status?.directory, '/state')
    assert.equal(bench.write(SET), 'DISK_FULL 507')
  })

  test('start: a volume that cannot be measured is said once, and changes nothing', () => {
    const volume = new FakeVolume()
    volume.freeBytes = 10_000
    const bench = new Bench(volume)
    volume.error = new Error('EIO: statfs')
    bench.passTime()
    bench.passTime()
    assert.equal(bench.write(SET), 'DISK_FULL 507')
    assert.equal(bench.said.filter((line) => line.includes('it cannot be told')).length, 1)
  })

  test('start: a node in memory watches nothing and refuses nothing', () => {
    const bench = new Bench()
    assert.equal(bench.watching, false)
    assert.equal(bench.reserve.status, null)
    assert.equal(bench.write(SET), 'passed')
  })

  test('close: ends the watch', () => {
    const bench = new Bench(new FakeVolume())
    assert.equal(bench.watching, true)
    bench.reserve.close()
    assert.equal(bench.watching, false)
  })
})

test('DiskReserve: says at the start when a volume is too small for a reserve that lasts, and only then', () => {
  const volume = new FakeVolume()
  assert.equal(new Bench(volume).said.length, 1)
  volume.totalBytes = volume.freeBytes = 2 ** 31
  assert.deepEqual(new Bench(volume).said, [])
})
