/**
 * No bag of callbacks: an interface of many functions is implemented by a class with a name, so that whoever reads a call
 * finds what is called.
 */
import { lineAt, readSource } from './tidy-source.ts'
import type { Finding, Tree } from './tidy-rules.ts'

export const MAX_FUNCTION_MEMBERS = 5

interface Shape {
  readonly name: string
  readonly start: number
  /** Members that are properties of a function type, and members that are methods. */
  readonly functions: number
  readonly methods: number
}

const SHAPE = /\b(?:interface\s+(?<interface>\w+)[^{};]*|type\s+(?<type>\w+)(?:<[^={}]*>)?\s*=\s*)\{/g
const FUNCTION_MEMBER = /^(?:readonly\s+)?\w+\??\s*:\s*(?:<[^()]*>\s*)?\((?=[^]*=>)/
const METHOD = /^\w+\??\s*(?:<[^()]*>)?\(/

/** The members of the braces that open before `start`, each as its text with what is nested inside blanked. */
function membersAt(code: string, start: number): string[] {
  const members: string[] = []
  let depth = 1
  let member = ''
  for (let at = start; at < code.length && depth > 0; at++) {
    const char = code[at] ?? ''
    if (char === '{') depth++
    if (char === '}') depth--
    const ends = depth === 0 || (depth === 1 && (char === ';' || char === '\n') && isWhole(member))
    if (ends) {
      if (member.trim() !== '') members.push(member.trim())
      member = ''
    } else if (depth === 1) member += char
  }
  return members
}

/** A member goes on in the next line while a bracket is open, or an arrow or a union waits for its right side. */
function isWhole(member: string): boolean {
  const open = (member.match(/[([]/g) ?? []).length - (member.match(/[)\]]/g) ?? []).length
  return open <= 0 && !/(?:=>|[|&:,])\s*$/.test(member)
}

export function shapesOf(code: string): Shape[] {
  return [...code.matchAll(SHAPE)].map((match) => {
    const members = membersAt(code, match.index + match[0].length)
    return {
      name: match.groups?.['interface'] ?? match.groups?.['type'] ?? '',
      start: match.index,
      functions: members.filter((member) => FUNCTION_MEMBER.test(member)).length,
      methods: members.filter((member) => METHOD.test(member)).length,
    }
  })
}

/** What classes implement, and what functions with a name say that they return. */
function madeIn(code: string): string[] {
  const classes = [...code.matchAll(/\bclass\s[^{]*?\bimplements\s+([^{]+)\{/g)]
  const makers = [...code.matchAll(/\bfunction\s+\w+[^{;]*\)\s*:\s*(\w+)(?:<[^{]*>)?\s*\{/g)]
  return [...classes, ...makers].flatMap(([, names = '']) => names.match(/\w+/g) ?? [])
}

/** Interfaces and object types of `src/` with more functions than a reader keeps apart, and no class that has them. */
export function checkBags(tree: Tree): Finding[] {
  const sources = [...tree]
    .filter(([path]) => path.startsWith('src/') && path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map(([path, text]) => ({ path, code: readSource(text).code }))
  const made = new Set(sources.flatMap(({ code }) => madeIn(code)))
  const findings: Finding[] = []
  for (const { path, code } of sources) {
    for (const { name, start, functions, methods } of shapesOf(code)) {
      const line = lineAt(code, start)
      const many = `at most ${MAX_FUNCTION_MEMBERS}: make it an interface that a class implements`
      if (functions > MAX_FUNCTION_MEMBERS)
        findings.push({ path, line, message: `${name} is a bag of ${functions} callbacks; ${many}` })
      if (methods > MAX_FUNCTION_MEMBERS && !made.has(name)) {
        findings.push({
          path,
          line,
          message: `${name} has ${methods} methods, and no class or function of src makes one; ${many}`,
        })
      }
    }
  }
  return findings
}
