import type { Setting, SettingName } from './settings.ts'
import { ConfigError } from './config-error.ts'

/** A value as one layer gives it, not yet looked at. */
export interface Given {
  readonly setting: Setting
  readonly isFile: boolean
  /** Where it stands, in words: `environment variable ASPEN_COOKIE`, `file aspen.toml, key cookie`, `flag --cookie`. */
  readonly source: string
  readonly text: string
}

/** What one layer gives, by setting. */
export type Layer = ReadonlyMap<Setting, Given>

/** Collects what a layer gives, and refuses a setting that the layer gives twice. */
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
      throw new ConfigError(`${both}: give one of them`)
    }
    this.#given.set(setting, { ...before, text: `${before.text},${text}` })
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
