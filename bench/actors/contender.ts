/** What each actor library is made to do, in its own terms. */
export interface Contender {
  readonly name: string
  /** Tells one actor that adds so many numbers; resolves when it has handled all. */
  tell(count: number): Promise<void>
  /** Asks one actor, so many times, this many at once. Absent where the library has no answers. */
  readonly ask?: (count: number, inFlight: number) => Promise<void>
  /** Two actors that write to each other, so many messages in all. */
  pingPong(count: number): Promise<void>
  /** Starts so many actors, each of which handles a message, and ends them. */
  spawnAndStop(count: number): Promise<void>
  /** Starts so many that wait for messages; what it returns keeps them. */
  idle(count: number): Promise<unknown>
}

/** Asks in flight of `ask`, from lanes that each wait for their answer before they ask again. */
export async function askInLanes(count: number, inFlight: number, ask: () => PromiseLike<unknown>): Promise<void> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

/** A package of the benchmark alone, of which a checkout may have none: null then. Without its types, so that nothing else needs it. */
export async function optionalPackage<T>(name: string): Promise<T | null> {
  try {
    return (await import(name)) as T
  } catch {
    return null
  }
}
