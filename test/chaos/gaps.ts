/** Stretches of time in which no write was acknowledged. Times are milliseconds of one monotonic clock. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/**
 * The longest time without an acknowledgement that touches the stretch from `since` to `until`. One that begins before
 * `since` counts from its beginning; one that is still open at `until` ends there.
 * @param times when acknowledgements arrived, ascending
 */
export function longestGap(times: readonly number[], since: number, until: number): Gap {
  let longest: Gap = { from: since, to: since }
  let from = times[0] === undefined || times[0] > since ? since : times[0]
  const consider = (to: number): void => {
    if (to > since && from < until && to - from > lengthMs(longest)) longest = { from, to }
    from = to
  }
  for (const at of times) {
    if (at >= until) break
    if (at > from) consider(at)
  }
  consider(until)
  return longest
}

export function lengthMs({ from, to }: Gap): number {
  return to - from
}

/** The longest gap in what is left of a stretch when the outages are taken out of it. Outages are ascending and apart. */
export function longestGapOutside(times: readonly number[], since: number, until: number, outages: readonly Gap[]): Gap {
  let longest: Gap = { from: since, to: since }
  let from = since
  for (const { from: outage, to } of [...outages, { from: until, to: until }]) {
    const within = times.filter((at) => at >= from && at <= outage)
    const gap = longestGap(within, from, outage)
    if (lengthMs(gap) > lengthMs(longest)) longest = gap
    from = to
  }
  return longest
}
