/** What a program gives with an actor: read once, checked, and its own business no more. */
import { DEFAULT_MAILBOX_CAPACITY, MAX_MAILBOX_CAPACITY, MAX_TIMER_MS } from '../limits.ts'
import type { ActorDefinition, Restart, SpawnOptions, Strategy, SupervisionSettings } from './definition.ts'
import type { Handlers } from './protocol.ts'
import { RESTART_SETTINGS } from './restart-policy.ts'
import type { RestartSettings } from './restart-policy.ts'

const DEFAULT_SHUTDOWN_MS = 5_000
/** Each is remembered for a window. */
const MAX_RESTARTS_IN_WINDOW = 1_000
const SPAWN_OPTIONS: ReadonlySet<string> = new Set([
  'name',
  'registerAs',
  'argument',
  'restart',
  'mailboxCapacity',
  'reserve',
  'keepsMessages',
  'onDropped',
  'shutdownMs',
  'supervision',
  'thread',
] satisfies (keyof SpawnOptions)[])
const SUPERVISION_SETTINGS: ReadonlySet<string> = new Set([
  'strategy',
  'restarts',
  'mayRestart',
] satisfies (keyof SupervisionSettings)[])
const RESERVE_SETTINGS: ReadonlySet<string> = new Set(['messages', 'room'] satisfies (keyof NonNullable<
  SpawnOptions['reserve']
>)[])
const RESTART_NAMES: ReadonlySet<string> = new Set(Object.keys(RESTART_SETTINGS))
const RESTARTS: readonly Restart[] = ['permanent', 'transient', 'temporary']
const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']

/** What it takes and makes is its own business. */
export type Definition = ActorDefinition<Handlers, unknown>

export interface SupervisionRules {
  readonly strategy: Strategy
  readonly restarts: RestartSettings
  readonly mayRestart: SupervisionSettings['mayRestart']
}

/** Of an actor, over all its lives. */
export interface Settings {
  readonly definition: Definition
  readonly restart: Restart
  readonly capacity: number
  readonly reserve: SpawnOptions['reserve']
  readonly keepsMessages: boolean
  readonly onDropped: SpawnOptions['onDropped']
  readonly shutdownMs: number
  /** Undefined: the rules that hold where nothing is said. */
  readonly supervision: SupervisionRules | undefined
}

export const RULES: SupervisionRules = { strategy: 'one-for-one', restarts: RESTART_SETTINGS, mayRestart: undefined }

/** Of those that were given last: a million actors of one kind share theirs. */
let latest: Settings = {
  definition: { start: () => ({}) },
  restart: 'permanent',
  capacity: DEFAULT_MAILBOX_CAPACITY,
  reserve: undefined,
  keepsMessages: true,
  onDropped: undefined,
  shutdownMs: DEFAULT_SHUTDOWN_MS,
  supervision: undefined,
}

/** @throws TypeError, RangeError: which setting it is, and what may be given */
export function readSettings<A>(definition: Definition, options: SpawnOptions<A>): Settings {
  const { restart = 'permanent', mailboxCapacity = DEFAULT_MAILBOX_CAPACITY, shutdownMs = DEFAULT_SHUTDOWN_MS } = options
  const { reserve, keepsMessages = true, onDropped, supervision } = options
  checkChoice(restart, RESTARTS, 'restart')
  checkWhole(mailboxCapacity, 1, MAX_MAILBOX_CAPACITY, 'mailboxCapacity')
  checkMs(shutdownMs, 0, 'shutdownMs')
  if (onDropped !== undefined) checkFunction(onDropped, 'onDropped')
  if (typeof keepsMessages !== 'boolean') throw new TypeError(`keepsMessages is ${say(keepsMessages)}: give true or false`)
  const settings: Settings = {
    definition,
    restart,
    capacity: mailboxCapacity,
    reserve: reserve === undefined ? undefined : readReserve(reserve),
    keepsMessages,
    onDropped,
    shutdownMs,
    supervision: supervision === undefined ? undefined : readRules(supervision),
  }
  if (!isSame(settings, latest)) latest = settings
  return latest
}

function isSame(a: Settings, b: Settings): boolean {
  return (
    a.definition === b.definition &&
    a.restart === b.restart &&
    a.capacity === b.capacity &&
    a.reserve === b.reserve &&
    a.keepsMessages === b.keepsMessages &&
    a.onDropped === b.onDropped &&
    a.shutdownMs === b.shutdownMs &&
    a.supervision === b.supervision
  )
}

function readReserve(given: NonNullable<SpawnOptions['reserve']>): SpawnOptions['reserve'] {
  checkObject(given, 'reserve')
  checkKeys(given, RESERVE_SETTINGS, 'reserve')
  const { messages, room } = given
  checkWhole(room, 0, MAX_MAILBOX_CAPACITY, 'reserve.room')
  const names: unknown = messages
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === 'string'))
    throw new TypeError(`reserve.messages is ${say(names)}: give a list of names of messages`)
  return { messages: Array.from(messages), room }
}

/** @throws TypeError for what are no options of spawn */
export function checkSpawnOptions(options: object): void {
  checkObject(options, 'the options of an actor')
  checkKeys(options, SPAWN_OPTIONS, 'the options of an actor')
}

/** @throws TypeError, RangeError: which setting it is, and what may be given */
export function readRules(given: SupervisionSettings): SupervisionRules {
  checkObject(given, 'supervision')
  checkKeys(given, SUPERVISION_SETTINGS, 'supervision')
  const { strategy = 'one-for-one', restarts = {}, mayRestart } = given
  checkChoice(strategy, STRATEGIES, 'supervision.strategy')
  if (mayRestart !== undefined) checkFunction(mayRestart, 'supervision.mayRestart')
  return { strategy, restarts: readRestarts(restarts), mayRestart }
}

function readRestarts(given: Partial<RestartSettings>): RestartSettings {
  checkObject(given, 'restarts')
  checkKeys(given, RESTART_NAMES, 'restarts')
  const standard = RESTART_SETTINGS
  const { maxRestarts = standard.maxRestarts, windowMs = standard.windowMs, stabilityMs = standard.stabilityMs } = given
  const { circuitOpenMs = standard.circuitOpenMs, halfOpenStabilityMs = standard.halfOpenStabilityMs } = given
  checkWhole(maxRestarts, 0, MAX_RESTARTS_IN_WINDOW, 'restarts.maxRestarts')
  checkMs(windowMs, 1, 'restarts.windowMs')
  checkMs(stabilityMs, 1, 'restarts.stabilityMs')
  if (circuitOpenMs !== null) checkMs(circuitOpenMs, 1, 'restarts.circuitOpenMs')
  checkMs(halfOpenStabilityMs, 1, 'restarts.halfOpenStabilityMs')
  return { maxRestarts, windowMs, stabilityMs, circuitOpenMs, halfOpenStabilityMs }
}

/** @throws TypeError when it is none */
export function checkDefinition(definition: unknown): void {
  const { start, stop } = (definition ?? {}) as { readonly start?: unknown; readonly stop?: unknown }
  if (typeof start !== 'function')
    throw new TypeError(`what is to be spawned is ${say(definition)} without a start: give what defineActor takes`)
  if (stop !== undefined) checkFunction(stop, 'the stop of a definition')
}

/** @throws RangeError when a timer cannot wait that long */
export function checkMs(value: unknown, least: number, what: string): void {
  if (typeof value === 'number' && value >= least && value <= MAX_TIMER_MS) return
  throw new RangeError(`${what} is ${say(value)}: give milliseconds, ${least} to ${MAX_TIMER_MS}`)
}

/** @throws RangeError */
export function checkWhole(value: unknown, least: number, most: number, what: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${what} is ${say(value)}: give a whole number from ${least} to ${most}`)
}

function checkChoice(value: string, choices: readonly string[], what: string): void {
  if (!choices.includes(value)) throw new TypeError(`${what} is ${say(value)}: give ${choices.join(', or ')}`)
}

export function checkObject(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${what} is ${say(value)}: give an object`)
}

/** A name that is spelt wrong would be a setting that is not heard. @throws TypeError */
export function checkKeys(given: object, known: ReadonlySet<string>, what: string): void {
  for (const name in given)
    // What a library has put upon all objects is in none of them.
    if (!known.has(name) && Object.hasOwn(given, name))
      throw new TypeError(`${say(name)} in ${what} is no setting: there are ${[...known].join(', ')}`)
}

export function checkFunction(value: unknown, what: string): void {
  if (typeof value !== 'function') throw new TypeError(`${what} is ${say(value)}: give a function`)
}

/** What was given, for people; objects are not looked into. */
export function say(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100))
  return typeof value === 'object' && value !== null ? 'an object' : typeof value === 'function' ? 'a function' : String(value)
}
