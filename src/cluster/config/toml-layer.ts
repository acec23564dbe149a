import { parse, TomlError } from 'smol-toml'
import { ConfigError } from './config-error.ts'
import { LayerBuilder, notAllowed } from './given.ts'
import type { Layer } from './given.ts'
import type { TomlForm } from './parsers.ts'
import { nearest } from './nearest.ts'
import { SETTING_NAMES } from './settings.ts'

const NAMES = new Map(SETTING_NAMES.map((name) => [name.name, name]))

/** The text that means the same in the other layers; undefined when the value has not the form wanted. */
function toText(value: unknown, form: TomlForm): string | undefined {
  switch (form) {
    case 'integer':
      return typeof value === 'bigint' ? value.toString() : undefined
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : undefined
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'list':
    default:
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.join(',') : undefined
  }
}

const FORM_NAMES: Readonly<Record<TomlForm, string>> = {
  integer: 'an integer',
  boolean: 'a boolean',
  string: 'a string',
  list: 'an array of strings',
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item))
}

function parseDocument(file: string, text: string): Record<string, unknown> {
  try {
    // Integers as bigint tell 1 from 1.0, which is not an integer.
    return parse(text, { integersAsBigInt: true })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason] = error.message.split('\n')
    throw new ConfigError(`file ${file}, line ${error.line}, column ${error.column}: ${reason}`, { cause: error })
  }
}

function adviceOn(key: string, value: unknown): string {
  if (typeof value === 'object' && !Array.isArray(value)) return 'settings stand at the top level, not in tables'
  const meant = nearest(key, [...NAMES.keys()])
  return meant === undefined ? 'remove it, or see --help for the names' : `did you mean ${meant}?`
}

/** The settings in a TOML document. @throws ConfigError for a syntax error, an unknown key or a value of another type */
export function readToml(file: string, text: string): Layer {
  const layer = new LayerBuilder()
  for (const [key, value] of Object.entries(parseDocument(file, text))) {
    const source = `file ${file}, key ${key}`
    const name = NAMES.get(key)
    if (name === undefined) {
      throw new ConfigError(`${source} is not a setting: ${adviceOn(key, value)}`)
    }
    const form = name.isFile ? 'string' : name.setting.parser.form
    const spelled = toText(value, form)
    if (spelled !== undefined) layer.add(name, source, spelled)
    else layer.addProblem(name, source, notAllowed(name.setting, source, `${show(value)}, which is not ${FORM_NAMES[form]},`))
  }
  return layer.build()
}
