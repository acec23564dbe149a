import type { Disk } from '../../ports/index.ts'

export const DEFAULT_PREFIX = 'log-'
const SUFFIX = '.segment'
const DIGITS = 10

/** File names sort like their numbers. */
export function segmentName(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(DIGITS, '0')}${SUFFIX}`
}

/** The file that is being preallocated as the next segment. It holds nothing that was ever acknowledged. */
export function spareName(prefix: string): string {
  return `${prefix}spare`
}

/** Numbers of the segments on `disk`, ascending. */
export function listSegments(disk: Disk, prefix: string): number[] {
  const numbers: number[] = []
  for (const name of disk.list()) {
    if (!name.startsWith(prefix) || !name.endsWith(SUFFIX)) continue
    const digits = name.slice(prefix.length, -SUFFIX.length)
    if (digits.length === DIGITS && /^\d+$/.test(digits)) numbers.push(Number(digits))
  }
  return numbers.toSorted((a, b) => a - b)
}

/** Whether `disk` holds a log, sound or not. */
export function hasLog(disk: Disk, prefix: string = DEFAULT_PREFIX): boolean {
  return listSegments(disk, prefix).length > 0
}
