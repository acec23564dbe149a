import { AspenError } from '../../api/index.ts'
import type { DiskStatus } from '../../api/index.ts'
import { DISK_CHECK_INTERVAL_MS, DISK_USAGE_THRESHOLD_PERCENT, MIN_DISK_RESERVE_BYTES } from '../../limits.ts'
import type { Clock, Logger, Timer, Volume } from '../../ports/index.ts'
import { couldGrow } from './quota.ts'

/** The part of the room above the reserve that writes may have taken before it is measured again. */
const TRUSTED_SHARE = 0.25

export interface DiskReserveOptions {
  /** Those that this node writes to; none for a node in memory. */
  readonly volumes: readonly Volume[]
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

  /** @throws AspenError DISK_FULL when the command could grow the store and a volume is nearly full */
  check(envelope: Uint8Array): void {
    if (this.#fullest === null) return
    this.#sinceMeasured += envelope.length
    if (this.#sinceMeasured > this.#trustedBytes(this.#fullest)) this.#measure()
    const { directory, usedPercent, freeBytes, isLow } = this.#fullest
    if (!isLow || !couldGrow(envelope)) return
    this.#refusedWrites++
    throw new AspenError(
      'DISK_FULL',
      `the volume of ${directory} on the leader is ${usedPercent} % full; above ${DISK_USAGE_THRESHOLD_PERCENT} % nothing is written ` +
        'that could grow the store: free space on it or enlarge it, and writes pass again by themselves; deletes and reads pass now',
      { directory, used_percent: usedPercent, free_bytes: freeBytes },
    )
  }

  #look(): void {
    this.#measure()
    this.#timer = this.#options.clock.setTimer(DISK_CHECK_INTERVAL_MS, () => this.#look())
  }

  /** What may be written before somebody has to look again. */
  #trustedBytes({ freeBytes, totalBytes }: { readonly freeBytes: number; readonly totalBytes: number }): number {
    return Math.max(0, (freeBytes - reserveOf(totalBytes)) * TRUSTED_SHARE)
  }

  #measure(): void {
    this.#sinceMeasured = 0
    const before = this.#fullest
    this.#fullest = this.#fullestVolume() ?? before
    if (this.#fullest === null || this.#fullest.isLow === (before?.isLow ?? false)) return
    const { directory, usedPercent, freeBytes, isLow } = this.#fullest
    const facts = { directory, usedPercent, freeBytes, thresholdPercent: DISK_USAGE_THRESHOLD_PERCENT }
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
    if (reserveOf(totalBytes) >= MIN_DISK_RESERVE_BYTES) return
    const message =
      'a volume of this node is small: what is kept of it for deletes and checkpoints may not last until somebody frees space; enlarge it'
    const facts = { directory, totalBytes, reserveBytes: Math.floor(reserveOf(totalBytes)), wantedBytes: MIN_DISK_RESERVE_BYTES }
    this.#options.logger.log('warn', message, facts)
  }

  #fullestVolume(): Omit<DiskStatus, 'refusedWrites'> | null {
    let fullest: Omit<DiskStatus, 'refusedWrites'> | null = null
    let unmeasurable = false
    for (const volume of this.#options.volumes) {
      try {
        const use = useOf(volume)
        if (fullest === null || use.usedPercent > fullest.usedPercent) fullest = use
      } catch (error) {
        unmeasurable = true
        if (!this.#unmeasurable) this.#sayUnmeasurable(volume, error as Error)
      }
    }
    this.#unmeasurable = unmeasurable
    return fullest
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

/** The part of a volume that growth does not get. */
function reserveOf(totalBytes: number): number {
  return (totalBytes * (100 - DISK_USAGE_THRESHOLD_PERCENT)) / 100
}

function useOf(volume: Volume): Omit<DiskStatus, 'refusedWrites'> {
  const { freeBytes, totalBytes } = volume.space()
  const usedPercent = totalBytes === 0 ? 0 : (100 * (totalBytes - freeBytes)) / totalBytes
  return {
    directory: volume.directory,
    freeBytes,
    totalBytes,
    // Rounded up: what is refused for being above the threshold must not look as if it were on it.
    usedPercent: Math.ceil(usedPercent * 10) / 10,
    isLow: usedPercent > DISK_USAGE_THRESHOLD_PERCENT,
  }
}
