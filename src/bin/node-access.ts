/** How a command reaches a node that runs: the flags that such commands share. */
import { ConfigError } from '../cluster/config/index.ts'
import type { Environment } from '../cluster/config/index.ts'

export interface Surroundings {
  readonly env: Environment
  readonly readFile: (path: string) => string
}

export interface NodeAccess {
  /** The HTTP address of a node. */
  readonly url: string
  readonly token: string | null
}

/** Takes a flag of its own; `next` gives the word behind it. False for a flag that it does not know. */
export type OwnFlag = (flag: string, inline: string | undefined, next: () => string | undefined) => boolean

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** @throws ConfigError for what neither it nor `own` knows */
export function readNodeAccess(
  command: string,
  argv: readonly string[],
  { env, readFile }: Surroundings,
  own: OwnFlag,
): NodeAccess {
  const given = { '--http': DEFAULT_URL, '--token': env['ASPEN_HTTP_TOKEN'] ?? '', '--token-file': '' }
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    const [flag, inline] = splitFlag(word)
    if (own(flag, inline, () => argv[++at])) continue
    if (!isKeyOf(given, flag))
      throw new ConfigError(`${command} does not know ${JSON.stringify(word)}: aspen-node ${command} --help says what it does`)
    given[flag] = inline ?? valueOf(argv[++at], flag)
  }
  const url = given['--http']
  if (!isNodeUrl(url)) {
    throw new ConfigError(`flag --http: ${JSON.stringify(url)} is not the HTTP address of a node: give http://HOST:PORT`)
  }
  const token = given['--token-file'] === '' ? given['--token'] : readToken(given['--token-file'], readFile)
  return { url, token: token === '' ? null : token }
}

/** A node has nothing below its root, and takes no user. */
export function isNodeUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return false
  return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
}

export function splitFlag(word: string): readonly [flag: string, inline?: string] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word]
}

/** @throws ConfigError */
export function valueOf(word: string | undefined, flag: string): string {
  if (word === undefined || word.startsWith('--')) throw new ConfigError(`flag ${flag} needs a value`)
  return word
}

function isKeyOf<T extends object>(given: T, flag: string): flag is Extract<keyof T, string> {
  return Object.hasOwn(given, flag)
}

function readToken(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trim()
  } catch (error) {
    throw new ConfigError(`flag --token-file: ${JSON.stringify(path)} cannot be read: ${(error as Error).message}`)
  }
}
