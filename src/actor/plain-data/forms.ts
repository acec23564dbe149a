/**
 * The first byte of every value. What stands behind it:
 *
 *   integers       a varint of n, or of -1 - n            bytes          their number, and they
 *   double         8 bytes, for what is no integer        date           its milliseconds, as an integer or NaN
 *   bigints        bytes of n, or of -1 - n, the          array, set     how many, and they
 *                  highest first, none of them a 0        map            how many pairs, and they
 *   string         its bytes in UTF-8 and their number    object         how many fields, and they: a key without its form, and a value
 *
 * Equal values have equal bytes: whatever could be written otherwise is malformed. Numbers are the wire's: append only.
 */
export const FORM = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  negativeInteger: 5,
  double: 6,
  nan: 7,
  bigint: 8,
  negativeBigint: 9,
  string: 10,
  bytes: 11,
  date: 12,
  array: 13,
  object: 14,
  map: 15,
  set: 16,
} as const

const MAX_ARRAY_INDEX = 2 ** 32 - 2

/** The number that a key is, for those that objects list first, in ascending order, whoever wrote them when; -1 for all others. */
export function arrayIndexOf(key: string): number {
  const first = key.charCodeAt(0)
  if (!(first >= 48 && first <= 57) || key.length > 10) return -1
  const index = Number(key)
  return Number.isInteger(index) && index <= MAX_ARRAY_INDEX && String(index) === key ? index : -1
}
