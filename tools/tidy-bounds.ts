/** Fixed bounds on which others depend stand together in `src/limits.ts`: what is exported elsewhere has left its file. */
import { lineAt, readSource } from './tidy-source.ts'
import type { Finding, Tree } from './tidy-rules.ts'

const EXPORTED_BOUND = /^export const (MAX_[A-Z0-9_]+)\b/gm
/** Where bounds are at home: all of them; those of replicated meaning; and those that are part of a format. */
const HOMES = /^src\/(?:limits\.ts$|commands\/semantics\.ts$|wire\/|lib\/)/

export function checkBounds(tree: Tree): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of tree) {
    if (!path.startsWith('src/') || !path.endsWith('.ts') || path.endsWith('.test.ts') || HOMES.test(path)) continue
    const { code } = readSource(text)
    for (const { index, 1: name } of code.matchAll(EXPORTED_BOUND)) {
      findings.push({
        path,
        line: lineAt(code, index),
        message: `${name} is exported: a bound that others depend on stands in src/limits.ts; one that this file alone needs is not exported`,
      })
    }
  }
  return findings
}
