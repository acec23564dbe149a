/**
 * The search of Wing & Gong (1993) with the memory of Lowe (2017): depth first over the order in which
 * operations take effect, never visiting the same set of operations in the same state twice. It works for any
 * sequential model and takes exponential time at worst, so it serves small histories and as a yardstick.
 */
export interface SequentialModel<State, Operation> {
  readonly initial: State
  /** The state afterwards, or undefined when the operation cannot have had its recorded result here. */
  step(state: State, operation: Operation): State | undefined
  /** Two states with the same name behave alike. */
  name(state: State): string
}

export interface Interval<Operation> {
  readonly start: number
  /** Infinity: the operation may take effect at any time after its start, or never. */
  readonly end: number
  readonly operation: Operation
}

interface Search<State, Operation> {
  readonly model: SequentialModel<State, Operation>
  readonly intervals: readonly Interval<Operation>[]
  readonly seen: Set<string>
  readonly linearized: Uint32Array
  required: number
}

function has(set: Uint32Array, position: number): boolean {
  return (((set[position >>> 5] as number) >>> (position & 31)) & 1) === 1
}

function flip(set: Uint32Array, position: number): void {
  set[position >>> 5] = (set[position >>> 5] as number) ^ (1 << (position & 31))
}

/** The earliest end among operations not yet in order: nothing that starts later may come next. */
function horizonOf<Operation>(intervals: readonly Interval<Operation>[], linearized: Uint32Array): number {
  let horizon = Infinity
  for (let i = 0; i < intervals.length; i++) {
    if (!has(linearized, i)) horizon = Math.min(horizon, (intervals[i] as Interval<Operation>).end)
  }
  return horizon
}

function explore<State, Operation>(search: Search<State, Operation>, state: State): boolean {
  if (search.required === 0) return true
  const { model, intervals, linearized, seen } = search
  const place = `${linearized.join(',')}|${model.name(state)}`
  if (seen.has(place)) return false
  seen.add(place)
  const horizon = horizonOf(intervals, linearized)
  for (let i = 0; i < intervals.length; i++) {
    const interval = intervals[i] as Interval<Operation>
    if (has(linearized, i) || interval.start > horizon) continue
    const next = model.step(state, interval.operation)
    if (next === undefined) continue
    const weight = interval.end < Infinity ? 1 : 0
    flip(linearized, i)
    search.required -= weight
    if (explore(search, next)) return true
    flip(linearized, i)
    search.required += weight
  }
  return false
}

/** Whether some order of the operations respects real time and the model. */
export function searchLinearization<State, Operation>(
  model: SequentialModel<State, Operation>,
  intervals: readonly Interval<Operation>[],
): boolean {
  return explore(
    {
      model,
      intervals,
      seen: new Set(),
      linearized: new Uint32Array((intervals.length + 31) >>> 5),
      required: intervals.filter((interval) => interval.end < Infinity).length,
    },
    model.initial,
  )
}
