/**
 * The file of tokens: a line for each, its name, its scope, and the token; `#` begins a comment.
 *
 *     # name      scope   token
 *     dashboard   read    pS3xkTl9cW2h0bYqvR7dMA
 *     deploy      admin   8mJ0aZ4tQf6uN1yHeKc5Vw
 */
import { isScope, SCOPES } from '../../api/index.ts'
import type { NamedToken } from '../../faces/http/index.ts'

/** 128 random bits in base64. */
const MIN_TOKEN_LENGTH = 22
const MAX_TOKEN_LENGTH = 1024
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
const MAX_TOKENS = 1_000

/** The file cannot be used; the message says which line is wrong, and repeats no token. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError'
}

/** @throws TokenFileError */
export function parseTokens(text: string): readonly NamedToken[] {
  const tokens: NamedToken[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0]?.startsWith('#') === true) continue
    tokens.push(parseLine(words, i + 1))
  }
  if (tokens.length === 0) throw new TokenFileError('it holds no token: give a line "name scope token" for each')
  if (tokens.length > MAX_TOKENS) throw new TokenFileError(`it holds ${tokens.length} tokens; ${MAX_TOKENS} are allowed`)
  for (const field of ['name', 'token'] as const) {
    const twice = tokens.find((one, i) => tokens.findIndex((other) => other[field] === one[field]) < i)
    if (twice !== undefined) throw new TokenFileError(`the ${field} of "${twice.name}" is there twice`)
  }
  return tokens
}

function parseLine([name = '', scope = '', token = '', ...more]: readonly string[], line: number): NamedToken {
  const wrong = (problem: string): TokenFileError => new TokenFileError(`line ${line}: ${problem}`)
  if (token === '' || more.length > 0) throw wrong('write "name scope token"')
  if (!NAME.test(name)) throw wrong('a name is 1 to 64 letters, digits and ._@-')
  if (!isScope(scope)) throw wrong(`the scope of "${name}" must be one of ${SCOPES.join(', ')}`)
  if (token.length < MIN_TOKEN_LENGTH || token.length > MAX_TOKEN_LENGTH || !TOKEN.test(token))
    throw wrong(
      `the token of "${name}" must have ${MIN_TOKEN_LENGTH} to ${MAX_TOKEN_LENGTH} letters, digits and -._~+/, with any = at the end: openssl rand -base64 24 makes one`,
    )
  return { name, scope, token }
}
