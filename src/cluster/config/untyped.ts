/** Values of another program, of which nothing is known but that they came. */
import { inspect } from 'node:util'

const SHOWN_LENGTH = 200

/** The own fields of an object that has no others than these; undefined when it is none, or has. */
export function fieldsOf<Name extends string>(
  value: unknown,
  names: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.keys(value).every((name) => (names as readonly string[]).includes(name))
    ? (value as Partial<Record<Name, unknown>>)
    : undefined
}

/** The array, if it is one of strings. */
export function stringsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}

/** The value as a message shows it: one line, of bounded length, whatever it is. */
export function show(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { depth: 2, breakLength: Infinity, compact: true, customInspect: false, maxStringLength: 100 })
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}...`
}
