import type { Setting, SettingName } from './settings.ts'
import { ConfigError } from './config-error.ts'

/** A value as one layer gives it, not yet looked at. */
export interface Given {
  readonly setting: Setting
  readonly isFile: boolean
  /** Where it stands, in words: `environment variable ASPEN_COOKIE`, `file aspen.toml, key cookie`, `flag --cookie`. */
  readonly source: string
  readonly text: string
  /** What is wrong with it already: it stops the start unless a higher layer gives the setting too. */
  readonly problem?: ConfigError
}

/** What one layer gives, by setting. */
export type Layer = ReadonlyMap<Setting, Given>

/** Collects what a layer gives, and marks a setting that the layer gives twice. */
export class LayerBuilder {
  readonly #given = new Map<Setting, Given>()

  add(name: SettingName, source: string, text: string): void {
    const { setting, isFile } = name
    const before = this.#given.get(setting)
    if (before === undefined) {
      this.#given.set(setting, { setting, isFile, source, text })
      return
    }
    const mayRepeat = setting.parser.form === 'list' && before.source === source
    if (!mayRepeat) {
      const both = before.source === source ? `${source} is given twice` : `${before.source} and ${source} contradict each other`
      this.addProblem(name, source, new ConfigError(`${both}: give one of them`))
      return
    }
    this.#given.set(setting, { ...before, text: `${before.text},${text}` })
  }

  /** A setting that the layer gives in a way that cannot be read. */
  addProblem({ setting, isFile }: SettingName, source: string, problem: ConfigError): void {
    const before = this.#given.get(setting)
    this.#given.set(setting, { problem, ...(before ?? { setting, isFile, source, text: '' }) })
  }

  build(): Layer {
    return this.#given
  }
}

/** The error for a value that its setting does not allow. Secrets are not shown. */
export function notAllowed(setting: Setting, source: string, shown: string): ConfigError {
  const value = setting.secret ? 'the value' : shown
  return new ConfigError(`${source}: ${value} is not allowed for ${setting.name}: give ${setting.parser.allowed}`)
}

/** The same for a value that a program gives. */
export function optionNotAllowed(setting: Setting, shown: string): ConfigError {
  const { field, parser } = setting
  const value = setting.secret ? 'the value' : shown
  const orNull = setting.default === null ? ', or null for none' : ''
  return new ConfigError(`option ${field}: ${value} is not allowed: give ${parser.allowedValue ?? parser.allowed}${orNull}`)
}
