/** What a failing run leaves behind: enough to run it again, and to see what happened last. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDirectory } from '../src/storage/index.ts'
import { UsageError } from './options.ts'
import type { FailedRun, RunFigures } from './run.ts'
import { complainOf, DEFAULT_SETTINGS, isProfile, isTrouble, MAX_CLIENTS, MAX_FAULTS_MS, MAX_NODES } from './settings.ts'
import type { Settings } from './settings.ts'

const FORMAT = 'aspen-simulation'
const VERSION = 1

export interface Artifact {
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  readonly runId: string
  readonly settings: Settings
  /** Of the code that ran; a plus sign behind it says that files were changed. */
  readonly commit: string
  readonly status: 'failed'
  readonly error: { readonly kind: FailedRun['kind']; readonly property: string | null; readonly message: string }
  readonly metrics: RunFigures
  readonly simulatedMs: number
  /** Milliseconds that the run itself took, when it was made once more for its trace. */
  readonly realMs: number
  /** The last lines of the trace. */
  readonly events: readonly string[]
}

export function describeFailure(failure: FailedRun, commit: string, realMs: number): Artifact {
  const { settings, kind, property, message, figures, trace } = failure
  return {
    format: FORMAT,
    version: VERSION,
    runId: `${settings.profile}-${settings.seed}-${figures.hash}`,
    settings,
    commit,
    status: 'failed',
    error: { kind, property, message },
    metrics: figures,
    simulatedMs: figures.virtualMs,
    realMs: Math.round(realMs),
    events: trace,
  }
}

/** Writes it into the folder, which is created when it is missing, and gives its path. */
export function writeArtifact(folder: string, artifact: Artifact): string {
  createDirectory(folder)
  const path = join(folder, `${artifact.runId}.json`)
  writeFileSync(path, `${JSON.stringify(artifact, null, 2)}\n`)
  return path
}

/** The settings in an artifact. @throws UsageError when the file is no artifact of this version */
export function readSettings(path: string): Settings {
  const artifact = parse(path)
  if (artifact['format'] !== FORMAT) throw new UsageError(`${path} is no artifact of a simulation`)
  if (artifact['version'] !== VERSION) {
    const found = JSON.stringify(artifact['version'])
    throw new UsageError(
      `${path} is an artifact of version ${found}, and this program reads ${VERSION}: use the commit that it names`,
    )
  }
  const { settings } = artifact
  if (isSettings(settings)) return { ...DEFAULT_SETTINGS, ...settings }
  const complaint = complainOf(calmOf(settings))
  throw new UsageError(
    complaint === null ? `${path} does not say what was run: its settings are damaged` : `${path}: ${complaint}`,
  )
}

function calmOf(settings: unknown): readonly unknown[] {
  const { calm } = { ...(settings as Partial<Settings> | null | undefined) }
  return Array.isArray(calm) ? calm : []
}

function parse(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new UsageError(`${path} is not JSON: give the artifact that a failing run has written`)
}

function isSettings(value: unknown): value is Settings {
  if (typeof value !== 'object' || value === null) return false
  const { seed, profile, nodes, clients, faultsMs, calm } = { ...DEFAULT_SETTINGS, ...value } as Partial<Settings>
  const within = (count: unknown, least: number, most: number): boolean =>
    Number.isSafeInteger(count) && (count as number) >= least && (count as number) <= most
  return (
    within(seed, 0, Number.MAX_SAFE_INTEGER) &&
    isProfile(profile) &&
    (nodes === null || within(nodes, 1, MAX_NODES)) &&
    (clients === null || within(clients, 1, MAX_CLIENTS)) &&
    within(faultsMs, 1, MAX_FAULTS_MS) &&
    Array.isArray(calm) &&
    calm.every(isTrouble)
  )
}
