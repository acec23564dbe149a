import type { Candidate } from '../../ports/index.ts'
import { placesIn, recordName } from '../record/index.ts'
import { isNothing } from './name-service.ts'
import type { NameService } from './name-service.ts'

type Found = Pick<Candidate, 'endpointId' | 'addresses' | 'relay'>

/** Questions at a time. */
const AT_ONCE = 4
/** Records of one name that are looked into, and characters of each. */
const MAX_RECORDS = 64
const MAX_TEXT = 4_096

/**
 * Looks keys up in a zone, as iroh does. That there is nothing of a key is no failure. Whoever writes the zone says what it likes: the handshake shows
 * whether the holder of the key is there.
 * @returns what is wrong, in words; null where nothing is
 */
export async function lookUpKeys(
  service: NameService,
  zone: string,
  keys: readonly string[],
  found: (candidate: Found) => void,
): Promise<string | null> {
  const open = [...keys]
  let failure: string | null = null
  const ask = async (): Promise<void> => {
    for (let key = open.shift(); key !== undefined; key = open.shift()) {
      const failed = await lookUp(service, zone, key, found)
      failure ??= failed
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, ask))
  return failure
}

async function lookUp(
  service: NameService,
  zone: string,
  endpointId: string,
  found: (candidate: Found) => void,
): Promise<string | null> {
  try {
    const texts = await service.texts(recordName(endpointId, zone))
    const places = placesIn(texts.slice(0, MAX_RECORDS).filter(({ length }) => length <= MAX_TEXT))
    if (places === null) return `the record of ${endpointId} says no address, or too many`
    found({ endpointId, ...places })
    return null
  } catch (error) {
    return isNothing(error) ? null : (error as Error).message
  }
}
