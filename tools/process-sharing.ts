/**
 * Which test files may run in one process. A process costs more than most files do, so those share one that leave it as they
 * found it. That is read from the files, and from what they import: who starts processes or threads, changes what a process
 * has one of, or turns knobs of the engine, gets a process of its own. What a file hides from this it is caught at when it runs:
 * see shared-process.ts.
 */
import { resolveRelative } from './tidy-rules.ts'
import { findImports, readSource } from './tidy-source.ts'
import type { ReadFile } from './test-categories.ts'

/** A test that imports one of these means processes, threads or the engine. What is shipped imports them for others too. */
const OWN_MODULES = /^node:(?:child_process|cluster|diagnostics_channel|inspector(?:\/promises)?|v8|vm|worker_threads)$/

/** What a process has one of: its end, its folder, its signals and events, its environment, its globals; and mocks of them. */
const OWN_CODE = new RegExp(
  [
    String.raw`(?<![.\w])process\.(?:abort|addListener|chdir|emit\w*|exit|exitCode|kill|off|on|once|prepend\w+|remove\w+|set\w+|title|umask)\b`,
    String.raw`(?<![.\w])process\.env(?:\.\w+|\[[^\]]*\])?\s*(?:\|\||&&|\?\?)?=(?![=>])`,
    String.raw`\bdelete\s+process\.env\b`,
    String.raw`(?<![.\w])globalThis(?:\.\w+|\[[^\]]*\])\s*=(?![=>])`,
    String.raw`\b(?:mock|setFlagsFromString|setPriority)\b`,
  ].join('|'),
)

/** Files that share a process are loaded in one piece. */
const WAITS_AT_TOP = /^(?:await\b|[^\s/*].*=\s*await\b|for await\b)/m

/** Behind what a test names itself, what is shipped does its work for others, and leaves the process to them. */
function isShipped(path: string): boolean {
  return path.startsWith('src/') && !path.endsWith('.test.ts')
}

interface Reached {
  readonly imports: readonly string[]
  readonly registers: boolean
  readonly why: string | undefined
}

/** Looks at test files of one tree; each file that they share is read once. */
export class ProcessSharing {
  readonly #read: ReadFile
  readonly #known = new Map<string, Reached>()

  constructor(read: ReadFile) {
    this.#read = read
  }

  /** What a test file does that needs a process of its own, and where; undefined when it can share one. */
  whyAlone(file: string): string | undefined {
    for (const path of this.#reach(file, (by) => !isShipped(by))) {
      const { why } = this.#look(path)
      if (why !== undefined) return `${path}: ${why}`
    }
    return undefined
  }

  /** Whether anything in reach can register a test. */
  hasTests(file: string): boolean {
    return [...this.reached(file)].some((path) => this.#look(path).registers)
  }

  /** The file and what it imports, directly or not. */
  reached(file: string): ReadonlySet<string> {
    return this.#reach(file, () => true)
  }

  #reach(file: string, goesOn: (path: string) => boolean): ReadonlySet<string> {
    const seen = new Set([file])
    for (const path of seen) if (goesOn(path)) for (const target of this.#look(path).imports) seen.add(target)
    return seen
  }

  #look(path: string): Reached {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const source = readSource(this.#read(path))
    let why = (OWN_CODE.exec(source.code) ?? WAITS_AT_TOP.exec(source.code))?.[0]
    const imports: string[] = []
    let registers = false
    for (const { specifier, typeOnly } of findImports(source)) {
      if (typeOnly) continue
      if (!isShipped(path) && OWN_MODULES.test(specifier)) why ??= specifier
      registers ||= specifier === 'node:test'
      const target = specifier.startsWith('.') ? resolveRelative(path, specifier) : undefined
      if (target?.endsWith('.ts')) imports.push(target)
    }
    const reached = { imports, registers, why }
    this.#known.set(path, reached)
    return reached
  }
}

/**
 * Those that are to run: what several test files of a layer share is a test file too (it is not shipped), and has no tests.
 * @throws Error when a file has no tests, and none of the others imports it
 */
export function filesWithTests(files: readonly string[], sharing: ProcessSharing): readonly string[] {
  return files.filter((file) => {
    if (sharing.hasTests(file)) return true
    if (files.some((other) => other !== file && sharing.reached(other).has(file))) return false
    throw new Error(`${file} has no tests, and no test file that was chosen imports it`)
  })
}

/** More would keep too much in memory, and the other processors waiting for the last share. */
const MAX_SHARE = 50

/** A process for the files of each list: as many shares of those that can share as are worth it, then the others alone. */
export function planProcesses(files: readonly string[], sharing: ProcessSharing, atOnce: number): (readonly string[])[] {
  const shared = importedFirst(
    files.filter((file) => sharing.whyAlone(file) === undefined),
    sharing,
  )
  const alone = files.filter((file) => !shared.includes(file))
  const shares = Math.min(shared.length, Math.max(atOnce, Math.ceil(shared.length / MAX_SHARE)))
  const parts = Array.from({ length: shares }, (_, part) => shared.filter((_file, i) => i % shares === part))
  return [...parts, ...alone.map((file) => [file])]
}

/** What a test file has for others is loaded before them, so that its tests are its own. */
function importedFirst(files: readonly string[], sharing: ProcessSharing): readonly string[] {
  const users = new Map<string, number>()
  for (const file of files) for (const path of sharing.reached(file)) users.set(path, (users.get(path) ?? 0) + 1)
  return files.toSorted((a, b) => (users.get(b) ?? 0) - (users.get(a) ?? 0))
}
