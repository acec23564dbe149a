/** What a node needs from the program around it, and what is checked of it. */
import type { Logger, Metrics } from '../ports/index.ts'
import { ConfigError, fieldsOf, show } from './config/index.ts'

export interface NodeDependencies {
  readonly logger?: Logger
  readonly metrics?: Metrics
  /**
   * The node stopped itself because it could not trust its state any more; an embedding program decides what follows. Without
   * it nothing is thrown and nobody ends: the node rejects every call with POISONED, its status says so, and the log why.
   */
  readonly onFatal?: (error: Error) => void
  /** Serves HTTP at `http_addr` as `aspen-node` does, by the settings that begin with `http`. Its metrics are the node's own. */
  readonly http?: boolean
}

/** The methods of each; an entry without any is a function itself. */
const METHODS = { logger: ['log'], metrics: ['counter', 'histogram'], onFatal: [] } as const

function methodsMissing(value: unknown, methods: readonly string[]): readonly string[] {
  const fields = Object(value) as Readonly<Record<string, unknown>>
  return methods.filter((method) => typeof fields[method] !== 'function')
}

/** @throws ConfigError that names what is unknown or of another type */
export function checkDependencies(given: NodeDependencies): NodeDependencies {
  const names = Object.keys(METHODS) as (keyof typeof METHODS)[]
  const allNames = [...names, 'http']
  const fields = fieldsOf(given, allNames)
  if (fields === undefined)
    throw new ConfigError(`the dependencies of a node are ${show(given)}: give an object with ${allNames.join(', ')}`)
  const { http } = fields
  if (http !== undefined && typeof http !== 'boolean')
    throw new ConfigError(`dependency http: ${show(http)} is not allowed: give true or false`)
  for (const name of names) {
    const value = fields[name]
    if (value === undefined) continue
    const methods = METHODS[name]
    if (methods.length === 0 ? typeof value !== 'function' : methodsMissing(value, methods).length > 0) {
      const wanted = methods.length === 0 ? 'a function' : `an object with ${methods.join(' and ')}`
      throw new ConfigError(`dependency ${name}: ${show(value)} is not allowed: give ${wanted}`)
    }
  }
  return given
}
