import { AspenError } from '../../api/index.ts'
import type { DiskStatus } from '../../api/index.ts'
import type { Growth } from '../../commands/index.ts'
import {
  DISK_CHECK_INTERVAL_MS,
  DISK_USAGE_THRESHOLD_PERCENT,
  MAX_DISK_RESERVE_BYTES,
  MIN_DISK_RESERVE_BYTES,
} from '../../limits.ts'
import type { Clock, Logger, Timer, Volume } from '../../ports/index.ts'
import type { NodeId } from '../../raft/index.ts'

/** The part of the room above the reserve that writes may have taken before it is measured again. */
const TRUSTED_SHARE = 0.25

export interface DiskReserveOptions {
  readonly nodeId: NodeId
  /** Those that this node writes to; none for a node in memory. */
  readonly volumes: readonly Volume[]
  /** Of every volume, in bytes; null for 5 % of it, at most 8 GiB. */
  readonly reserveBytes: number | null
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Keeps the last part of every volume for what must go on when it gets full: deletes, votes, changes of membership,
 * checkpoints. A leader whose volume is nearly full refuses what could grow the store; a follower goes on, and says so.
 */
export class DiskReserve {
  readonly #options: DiskReserveOptions
  #fullest: Omit<DiskStatus, 'refusedWrites'> | null = null
  /** Above the reserve of the volume that has least, when it was looked at. */
  #roomBytes = 0
  #refusedWrites = 0
  /** Bytes of writes let through since the last look. */
  #sinceMeasured = 0
  #unmeasurable = false
  #timer: Timer | null = null

  constructor(options: DiskReserveOptions) {
    this.#options = options
  }

  /** How full the fullest volume is; null before the first look, and for a node in memory. */
  get status(): DiskStatus | null {
    return this.#fullest === null ? null : { ...this.#fullest, refusedWrites: this.#refusedWrites }
  }

  /** Looks now, and regularly from now on. */
  start(): void {
    if (this.#options.volumes.length === 0) return
    this.#look()
    if (this.#fullest !== null) this.#sayTooSmall(this.#fullest)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /**
   * `growth` is the most that a command of `size` bytes can add.
   * @throws AspenError DISK_FULL when the command could grow the store and a volume is nearly full
   */
  check(growth: Growth, size: number): void {
    if (this.#fullest === null) return
    this.#sinceMeasured += size
    if (this.#sinceMeasured > this.#roomBytes * TRUSTED_SHARE) this.#measure()
    const { directory, usedPercent, freeBytes, totalBytes, isLow } = this.#fullest
    if (!isLow || (growth.keys === 0 && growth.bytes === 0)) return
    this.#refusedWrites++
    throw new AspenError(
      'DISK_FULL',
      `the volume of ${directory} on node ${this.#options.nodeId}, the leader, is ${usedPercent} % full; its last ${spell(this.#reserveOf(totalBytes))} are kept, and nothing ` +
        'is written that could grow the store: free space on it or enlarge it, and writes pass again by themselves; deletes and reads pass now',
      { node_id: this.#options.nodeId, directory, used_percent: usedPercent, free_bytes: freeBytes },
    )
  }

  #look(): void {
    this.#measure()
    this.#timer = this.#options.clock.setTimer(DISK_CHECK_INTERVAL_MS, () => this.#look())
  }

  /** The part of a volume that growth does not get. */
  #reserveOf(totalBytes: number): number {
    const share = (totalBytes * (100 - DISK_USAGE_THRESHOLD_PERCENT)) / 100
    return Math.floor(this.#options.reserveBytes ?? Math.min(share, MAX_DISK_RESERVE_BYTES))
  }

  #measure(): void {
    this.#sinceMeasured = 0
    const before = this.#fullest
    this.#fullest = this.#fullestVolume() ?? before
    if (this.#fullest === null || this.#fullest.isLow === (before?.isLow ?? false)) return
    const { directory, usedPercent, freeBytes, totalBytes, isLow } = this.#fullest
    const facts = { directory, usedPercent, freeBytes, reserveBytes: this.#reserveOf(totalBytes) }
    const { logger } = this.#options
    if (isLow) {
      logger.log(
        'warn',
        'a volume of this node is nearly full: as leader it refuses writes that could grow the store; free space before it is full, or the node stops itself',
        facts,
      )
    } else logger.log('info', 'the volumes of this node have room again: writes are not refused any more', facts)
  }

  #sayTooSmall({ directory, totalBytes }: { readonly directory: string; readonly totalBytes: number }): void {
    const reserveBytes = this.#reserveOf(totalBytes)
    if (reserveBytes >= totalBytes) {
      const words =
        'what is to be kept free (disk_reserve_mib) is more than a volume of this node has: as leader it refuses all that could grow the store'
      this.#options.logger.log('warn', words, { directory, totalBytes, reserveBytes })
      return
    }
    if (reserveBytes >= MIN_DISK_RESERVE_BYTES) return
    const message =
      'a volume of this node is small: what is kept of it for deletes and checkpoints may not last until somebody frees space; enlarge it'
    const facts = { directory, totalBytes, reserveBytes, wantedBytes: MIN_DISK_RESERVE_BYTES }
    this.#options.logger.log('warn', message, facts)
  }

  #fullestVolume(): Omit<DiskStatus, 'refusedWrites'> | null {
    let fullest: Omit<DiskStatus, 'refusedWrites'> | null = null
    let unmeasurable = false
    let room = Infinity
    for (const volume of this.#options.volumes) {
      try {
        const use = this.#useOf(volume)
        room = Math.min(room, Math.max(0, use.freeBytes - this.#reserveOf(use.totalBytes)))
        if (fullest === null || isFuller(use, fullest)) fullest = use
      } catch (error) {
        unmeasurable = true
        if (!this.#unmeasurable) this.#sayUnmeasurable(volume, error as Error)
      }
    }
    this.#unmeasurable = unmeasurable
    if (fullest !== null) this.#roomBytes = room
    return fullest
  }

  #useOf(volume: Volume): Omit<DiskStatus, 'refusedWrites'> {
    const { freeBytes, totalBytes } = volume.space()
    const usedPercent = totalBytes === 0 ? 0 : (100 * (totalBytes - freeBytes)) / totalBytes
    return {
      directory: volume.directory,
      freeBytes,
      totalBytes,
      // Rounded up: what is refused for being nearly full must not look less so.
      usedPercent: Math.ceil(usedPercent * 10) / 10,
      isLow: freeBytes < this.#reserveOf(totalBytes),
    }
  }

  /** A disk that fails says so to those who write to it; that its size is not known stops nobody. */
  #sayUnmeasurable({ directory }: Volume, error: Error): void {
    const facts = { directory, reason: error.message }
    this.#options.logger.log(
      'warn',
      'it cannot be told how full a volume of this node is; what was known last stays in force',
      facts,
    )
  }
}

function isFuller(a: Pick<DiskStatus, 'isLow' | 'usedPercent'>, b: Pick<DiskStatus, 'isLow' | 'usedPercent'>): boolean {
  return a.isLow === b.isLow ? a.usedPercent > b.usedPercent : a.isLow
}

const MIB = 1024 * 1024

function spell(bytes: number): string {
  return bytes < MIB ? `${bytes} bytes` : `${Math.floor(bytes / MIB)} MiB`
}
