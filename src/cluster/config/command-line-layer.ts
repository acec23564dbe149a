import { parseArgs } from 'node:util'
import { ConfigError } from './config-error.ts'
import { LayerBuilder } from './given.ts'
import type { Layer } from './given.ts'
import { nearest } from './nearest.ts'
import { flagName, SETTING_NAMES } from './settings.ts'
import type { SettingName } from './settings.ts'

/** What a command line says beside the settings. */
export interface CommandLine {
  readonly help: boolean
  readonly version: boolean
  readonly configFile: string | undefined
  /** Reads the settings. @throws ConfigError for an unknown flag, a missing value, or a word that is no flag */
  readonly settings: () => Layer
}

const NAMES: ReadonlyMap<string, SettingName> = new Map(SETTING_NAMES.map((name) => [flagName(name.name), name]))
const OWN_FLAGS = { config: 'string', help: 'boolean', version: 'boolean' } as const

const isSwitch = (name: SettingName): boolean => name.setting.parser.form === 'boolean' && !name.isFile

type FlagOptions = Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>

function flagOptions(): FlagOptions {
  const options: FlagOptions = {
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'V' },
  }
  for (const [flag, name] of NAMES) options[flag] = { type: isSwitch(name) ? 'boolean' : 'string' }
  return options
}

interface Flag {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function parseTokens(argv: readonly string[]): { readonly flags: readonly Flag[]; readonly words: readonly string[] } {
  // Strictness is ours, in favour of messages that name the flag and what it takes.
  const { tokens } = parseArgs({
    args: argv.map((word) => (word === '-v' ? '-V' : word)),
    options: flagOptions(),
    strict: false,
    allowPositionals: true,
    allowNegative: true,
    tokens: true,
  })
  return {
    flags: tokens.filter((token) => token.kind === 'option'),
    words: tokens.filter((token) => token.kind === 'positional').map((token) => token.value),
  }
}

/** The value of a flag that takes one. */
function valueOf(flag: Flag): string {
  const { rawName, value, inlineValue } = flag
  if (rawName.startsWith('--no-')) throw new ConfigError(`flag ${rawName} is not known: only switches can be negated`)
  if (value === undefined) throw new ConfigError(`flag ${rawName} needs a value: give ${rawName} VALUE`)
  if (inlineValue === false && value.startsWith('-') && value.length > 1) {
    // The word may be a secret that begins with a dash: it is not repeated here.
    throw new ConfigError(`flag ${rawName} needs a value, and the next word looks like a flag: give ${rawName}=VALUE`)
  }
  return value
}

/** `--enable-mdns`, `--no-enable-mdns`, or either spelled out as `--enable-mdns=false`. */
function switchText(flag: Flag): string {
  return flag.rawName.startsWith('--no-') ? 'false' : (flag.value ?? 'true')
}

function checkOwnFlag(flag: Flag): void {
  if (flag.name === 'config') valueOf(flag)
  else if (flag.value !== undefined || flag.rawName.startsWith('--no-')) {
    throw new ConfigError(`flag ${flag.rawName} is not known in this form: give --${flag.name}`)
  }
}

function unknownFlag({ name, rawName, inlineValue }: Flag): ConfigError {
  if (inlineValue && name.startsWith('no-') && NAMES.has(name.slice(3))) {
    return new ConfigError(`flag ${rawName} takes no value: give ${rawName} alone`)
  }
  const meant = nearest(name, [...NAMES.keys(), ...Object.keys(OWN_FLAGS)])
  return new ConfigError(
    `flag ${rawName} is not known: ${meant === undefined ? 'see --help for the flags that are' : `did you mean --${meant}?`}`,
  )
}

function readSettings(flags: readonly Flag[], words: readonly string[]): Layer {
  const [word] = words
  const layer = new LayerBuilder()
  for (const flag of flags) {
    const name = NAMES.get(flag.name)
    if (name !== undefined) {
      layer.add(name, `flag --${flag.name}`, isSwitch(name) ? switchText(flag) : valueOf(flag))
    } else if (Object.hasOwn(OWN_FLAGS, flag.name)) checkOwnFlag(flag)
    else throw unknownFlag(flag)
  }
  if (word !== undefined) throw new ConfigError(`argument ${JSON.stringify(word)} is not expected: settings are given as flags`)
  return layer.build()
}

/** Splits a command line; `argv` begins after the program's name. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { flags, words } = parseTokens(argv)
  const has = (wanted: string): boolean =>
    words[0] === wanted || flags.some(({ rawName, name }) => name === wanted && !rawName.startsWith('--no-'))
  const files = flags.filter(({ name }) => name === 'config')
  if (files.length > 1) throw new ConfigError('flag --config is given twice: give one of them')
  return {
    help: has('help'),
    version: has('version'),
    configFile: files[0] === undefined || has('help') || has('version') ? undefined : valueOf(files[0]),
    settings: () => readSettings(flags, words),
  }
}
