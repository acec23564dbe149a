/**
 * The few words of JSON Schema that the routes are described with. Plain objects, because what reads them (the
 * validator, the description) wants nothing else, and a library's whole vocabulary would cost a node 12 MB and 100 ms.
 */

/** A JSON Schema, draft 2020-12. */
export interface Schema {
  readonly [keyword: string]: unknown
}

/** A member of an object, which may be absent. */
export interface OptionalSchema {
  readonly optional: Schema
}

export type Properties = Readonly<Record<string, Schema | OptionalSchema>>

export const Type = {
  Object: (properties: Properties, keywords: Schema = {}): Schema => objectSchema(properties, keywords),
  Array: (items: Schema, keywords: Schema = {}): Schema => ({ type: 'array', items, ...keywords }),
  String: (keywords: Schema = {}): Schema => ({ type: 'string', ...keywords }),
  Integer: (keywords: Schema = {}): Schema => ({ type: 'integer', ...keywords }),
  Number: (keywords: Schema = {}): Schema => ({ type: 'number', ...keywords }),
  Boolean: (keywords: Schema = {}): Schema => ({ type: 'boolean', ...keywords }),
  True: (): Schema => ({ type: 'boolean', const: true }),
  Optional: (optional: Schema): OptionalSchema => ({ optional }),
} as const

function isOptional(member: Schema | OptionalSchema): member is OptionalSchema {
  return 'optional' in member
}

function objectSchema(properties: Properties, keywords: Schema): Schema {
  const members = Object.entries(properties)
  const required = members.filter(([, member]) => !isOptional(member)).map(([name]) => name)
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(members.map(([name, member]) => [name, isOptional(member) ? member.optional : member])),
    ...keywords,
  }
}
