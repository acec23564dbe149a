/** What the binding says when something fails: a line of words, with a place in its sources, and a backtrace under it. */

const SYSTEM_CODES: ReadonlyMap<number, string> = new Map([
  [13, 'EACCES'],
  [98, 'EADDRINUSE'],
  [99, 'EADDRNOTAVAIL'],
])

/** The first line, without the place in the sources. */
export function firstLine(error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  return line.replace(/ \([^()]*\.rs:\d+:\d+\)$/, '')
}

/** The code of the system's error behind it, by its Linux number; null when there is none. */
export function systemCode(error: unknown): string | null {
  const [, number] = /\(os error (\d+)\)/.exec(String(error instanceof Error ? error.message : error)) ?? []
  return number === undefined ? null : (SYSTEM_CODES.get(Number(number)) ?? null)
}
