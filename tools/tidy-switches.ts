/** Every switch of `src/` has a default: over a closed union it is `unreachable`, and the linter sees to it that no member is missing. */
import type { Finding, Tree } from './tidy-rules.ts'
import { lineAt, readSource } from './tidy-source.ts'

const SWITCH = /\bswitch \(/g

/** The text from a brace to the one that closes it. */
function blockAt(code: string, open: number): string {
  let depth = 0
  for (let at = open; at < code.length; at++) {
    if (code[at] === '{') depth++
    else if (code[at] === '}' && --depth === 0) return code.slice(open, at)
  }
  return code.slice(open)
}

export function checkSwitches(tree: Tree): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of tree) {
    if (!path.startsWith('src/') || !path.endsWith('.ts') || path.endsWith('.test.ts')) continue
    const { code } = readSource(text)
    for (const { index } of code.matchAll(SWITCH)) {
      const block = blockAt(code, code.indexOf('{', index))
      if (/\bdefault:/.test(block)) continue
      findings.push({
        path,
        line: lineAt(code, index),
        message: 'this switch has no default: over a closed union, end it in unreachable(value)',
      })
    }
  }
  return findings
}
