/** Results as lines of one table, each printable as soon as it is known. */
import type { Result } from './measure.ts'

/** Positive widths are for text, which stands left; negative ones for numbers, which stand right. */
const WIDTHS = [10, 37, -11, 13, -7, -10, -10] as const

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, i) => {
    const width = WIDTHS[i] ?? 0
    return width < 0 ? cell.padStart(-width) : cell.padEnd(width)
  })
  return padded.join(' ').trimEnd()
}

function showMs(ms: number | undefined): string {
  if (ms === undefined) return ''
  return ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`
}

/** Half the distance between the slowest and the fastest round, as a share of the median. */
function showSpread({ median, slowest, fastest }: Result): string {
  return `±${(((fastest - slowest) / 2 / median) * 100).toFixed(0)} %`
}

export function tableHead(): string {
  const head = line(['benchmark', 'point', 'median', '', 'spread', 'p50', 'p99'])
  return `${head}\n${'-'.repeat(WIDTHS.reduce((sum, width) => sum + Math.abs(width) + 1, -1))}`
}

export function tableRow(result: Result): string {
  const { benchmark, point, unit, isAmount, median, p50Ms, p99Ms } = result
  const rate = Math.round(median).toLocaleString('en')
  return line([benchmark, point, rate, isAmount === true ? unit : `${unit}/s`, showSpread(result), showMs(p50Ms), showMs(p99Ms)])
}
