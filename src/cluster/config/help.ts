import { environmentName, flagName, SECTIONS, SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'

const WIDTH = 100
const COLUMN = 44

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function entry(left: string, text: string): string {
  const [first = '', ...rest] = wrap(text, WIDTH - COLUMN)
  const head = left.length + 2 > COLUMN ? `${left}\n${' '.repeat(COLUMN)}${first}` : left.padEnd(COLUMN) + first
  return [head, ...rest.map((line) => ' '.repeat(COLUMN) + line)].join('\n')
}

function defaultOf({ field, parser, ...setting }: Setting): string {
  if (field === 'nodeId') return 'required'
  if (field === 'dataDir') return 'default ./data/node-{id}'
  const value = setting.default
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return 'default none'
  return `default ${parser.format(value)}`
}

function describe(setting: Setting): string[] {
  const flag = flagName(setting.name)
  const { help } = setting
  if (setting.parser.form === 'boolean') {
    return [entry(`  --${flag}, --no-${flag}`, `${help} (default ${setting.default === true ? 'on' : 'off'})`)]
  }
  const repeat = setting.parser.form === 'list' ? '; may be repeated, or separated by commas' : ''
  const lines = [entry(`  --${flag} ${setting.placeholder}`, `${help}${repeat} (${defaultOf(setting)})`)]
  if (setting.secret) lines.push(entry(`  --${flag}-file FILE`, `read it from a file, where other users do not see it`))
  return lines
}

const HEAD = `Usage: aspen-node --node-id N [settings]
       aspen-node COMMAND --help
       aspen-node --new-cookie

  rejoin         brings back a member that has lost its disk, or refuses to start
  recover        a new cluster from one survivor, when the majority is gone for good
  backup         writes a consistent backup into a file; verify-backup says what is in one
  restore        a new cluster from a backup
  peers          whom a node knows, how it reaches them, and why not
  --new-cookie   prints a cookie of 128 random bits

Runs one node of an Aspen cluster. Settings come from the environment, a TOML file and the command
line; the later of these wins wherever it gives a setting.

With the word rejoin it brings back a member that refuses to start or has lost its disk; see
aspen-node rejoin --help. With the word peers it prints whom a running node knows.
`

const EXAMPLES = `Examples:
  aspen-node --node-id 1 --cookie dev-cluster
      A first node. Make it a cluster of its own with
      curl -X POST http://127.0.0.1:8080/init -H "Content-Type: application/json" -d '{"members":[1]}'
  aspen-node --node-id 2 --cookie dev-cluster --http-addr 127.0.0.1:8082 --ractor-port 26002 \\
             --peers 1@ENDPOINT_ID_OF_NODE_1:127.0.0.1:26000 --no-enable-mdns
      A second one on the same machine, which dials the first; GET /node-info tells an endpoint id.
  ASPEN_COOKIE_FILE=/etc/aspen/cookie aspen-node --config /etc/aspen/node.toml
      A node as a service.
`

function names(): string {
  const { name } = SETTINGS.find(({ field }) => field === 'httpAddr') as Setting
  return wrap(
    `Every setting has one name: --${flagName(name)} on the command line is ${name} in TOML and ${environmentName(name)} in the ` +
      'environment, where switches are true or false, and an empty variable is an absent one.',
    WIDTH,
  ).join('\n')
}

/** What `--help` prints; every line follows from the table of settings. */
export function helpText(): string {
  const sections = SECTIONS.map((section) => {
    const entries = SETTINGS.filter((setting) => setting.section === section).flatMap(describe)
    return `${section}:\n${entries.join('\n')}\n`
  })
  const own = [
    entry('  --config FILE', 'a TOML file of settings; also ASPEN_CONFIG'),
    entry('  -h, --help', 'print this and exit'),
    entry('  -v, -V, --version', 'print the version and exit'),
  ]
  return [HEAD, ...sections, `Other:\n${own.join('\n')}\n`, `${names()}\n`, EXAMPLES].join('\n')
}
