/**
 * Reads TypeScript without parsing it: blanks comments and the insides of strings, so that a pattern found in what
 * remains is code. Offsets and line breaks stay where they were.
 */
export interface Source {
  /** The file as it is. */
  readonly raw: string
  /** Same length; comments, and what stands between quotes, are spaces. */
  readonly code: string
  /** Same length; only comments are left. */
  readonly comments: string
}

export interface ImportSite {
  readonly specifier: string
  readonly line: number
  readonly typeOnly: boolean
}

const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))\s*$/

/** The end (exclusive) of a quoted string that starts at `start`. */
function endOfString(text: string, start: number): number {
  const quote = text[start]
  let at = start + 1
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return Math.min(at + 1, text.length)
}

/** The end (exclusive) of a regular expression that starts at `start`, or `start` when it is a division after all. */
function endOfRegex(text: string, start: number): number {
  let inClass = false
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return at + 1
  }
  return start
}

/** The end (exclusive) of the literal text of a template that goes on at `start`: after its backtick, or after `${`. */
function endOfTemplateText(text: string, start: number): number {
  let at = start
  while (at < text.length) {
    if (text[at] === '\\') at += 2
    else if (text[at] === '`') return at + 1
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2
    else at++
  }
  return text.length
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')
/** Blanks what is between the first and the last character. */
const hollow = (text: string): string =>
  text.length < 2 ? text : `${text[0] ?? ''}${blank(text.slice(1, -1))}${text[text.length - 1] ?? ''}`

type Piece = { readonly kind: 'code' | 'string' | 'template' | 'comment'; readonly end: number }

function nextPiece(text: string, at: number, before: () => string): Piece {
  const char = text[at]
  if (char === '/' && text[at + 1] === '/') {
    const end = text.indexOf('\n', at)
    return { kind: 'comment', end: end === -1 ? text.length : end }
  }
  if (char === '/' && text[at + 1] === '*') {
    const end = text.indexOf('*/', at + 2)
    return { kind: 'comment', end: end === -1 ? text.length : end + 2 }
  }
  if (char === "'" || char === '"') return { kind: 'string', end: endOfString(text, at) }
  if (char === '`') return { kind: 'template', end: endOfTemplateText(text, at + 1) }
  if (char === '/' && REGEX_MAY_FOLLOW.test(before())) {
    const end = endOfRegex(text, at)
    if (end > at) return { kind: 'string', end }
  }
  return { kind: 'code', end: at + 1 }
}

/** Splits a file into code and comments. */
export function readSource(raw: string): Source {
  let code = ''
  let comments = ''
  /** For each template whose `${` is open: how many braces are open inside it. */
  const braces: number[] = []
  let at = 0
  const take = (kind: Piece['kind'], end: number): void => {
    const text = raw.slice(at, end)
    code += kind === 'code' ? text : kind === 'comment' ? blank(text) : hollow(text)
    comments += kind === 'comment' ? text : blank(text)
    at = end
  }
  const takeTemplate = (end: number): void => {
    if (raw[end - 1] === '{') braces.push(0)
    take('template', end)
  }
  while (at < raw.length) {
    const open = braces.length - 1
    if (open >= 0 && raw[at] === '}' && braces[open] === 0) {
      braces.pop()
      takeTemplate(endOfTemplateText(raw, at + 1))
      continue
    }
    if (open >= 0 && raw[at] === '{') braces[open] = (braces[open] ?? 0) + 1
    if (open >= 0 && raw[at] === '}') braces[open] = (braces[open] ?? 0) - 1
    const piece = nextPiece(raw, at, () => code.slice(-24))
    if (piece.kind === 'template') takeTemplate(piece.end)
    else take(piece.kind, piece.end)
  }
  return { raw, code, comments }
}

/** The line, from 1, that holds an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

const IMPORT_FORMS: readonly RegExp[] = [
  /\b(?:import|export)\b(?<type>\s+type\b)?[\s\w$*{},]*?\bfrom\s*(?=['"])/g,
  /\bimport\s*(?=['"])/g,
  /\bimport\s*\(\s*(?=['"])/g,
  /\bnew\s+URL\s*\(\s*(?=['"])/g,
]

/** Every module that a file names: imports, re-exports, dynamic imports, and relative URLs (worker files). */
export function findImports(source: Source): ImportSite[] {
  const found: ImportSite[] = []
  IMPORT_FORMS.forEach((form, index) => {
    for (const match of source.code.matchAll(form)) {
      const start = match.index + match[0].length
      const specifier = source.raw.slice(start + 1, endOfString(source.raw, start) - 1)
      const isUrl = index === 3
      if (isUrl && !/^\.{1,2}\/.*\.[cm]?[jt]s$/.test(specifier)) continue
      found.push({ specifier, line: lineAt(source.raw, start), typeOnly: match.groups?.['type'] !== undefined })
    }
  })
  return found.sort((a, b) => a.line - b.line)
}
