/** The registry of nodes (the specification's metadata store) in a JSON file beside the peer book. */
import { readFileSync } from 'node:fs'
import { checkEndpointId, checkNodeId, givenFields, givenItems, givenLength, givenText, givenWhole } from '../../api/index.ts'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_NODE_RECORDS, MAX_PROGRAM_VERSION_SIZE } from '../../limits.ts'
import type { KeptNode, RegistryStore } from '../../node/index.ts'
import { openWithKept } from '../../storage/index.ts'
import { BackgroundFile } from './background-file.ts'

const FILE_VERSION = 1
const STATES: readonly KeptNode['state'][] = ['voter', 'learner', 'left', 'known']
const FIELDS = ['endpointId', 'nodeId', 'addresses', 'version', 'languageVersion', 'state', 'firstSeen', 'lastSeen', 'changed']

/** Milliseconds since 1970. */
type WallClock = () => number

/**
 * Times in the file are those of the wall clock: so the time between two lives counts, and people can read them. A file that cannot be read is
 * reported and begun anew: it holds nothing that a node needs.
 */
export class MetadataFile implements RegistryStore {
  readonly #path: string
  readonly #onError: (error: Error) => void
  readonly #wallClock: WallClock
  readonly #file: BackgroundFile

  constructor(path: string, onError: (error: Error) => void, wallClock: WallClock = Date.now) {
    this.#path = path
    this.#onError = onError
    this.#wallClock = wallClock
    this.#file = new BackgroundFile(path, onError)
  }

  load(now: number): readonly KeptNode[] {
    try {
      return parse(
        openWithKept(() => readFileSync(this.#path, 'utf8')),
        now - this.#wallClock(),
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#onError(error as Error)
      return []
    }
  }

  save(records: () => readonly KeptNode[], now: () => number): void {
    this.#file.save(() => format(records(), this.#wallClock() - now()))
  }

  saved(): Promise<void> {
    return this.#file.saved()
  }
}

function format(records: readonly KeptNode[], shift: number): string {
  const time = (at: number | null): string | null =>
    at === null ? null : new Date(Math.max(0, Math.round(at + shift))).toISOString()
  const nodes = records.map(({ firstSeenAt, seenAt, changedAt, ...rest }) => ({
    ...rest,
    firstSeen: time(firstSeenAt),
    lastSeen: time(seenAt),
    changed: time(changedAt),
  }))
  return `${JSON.stringify({ version: FILE_VERSION, nodes }, null, 2)}\n`
}

/** @throws Error for what is no registry */
function parse(text: string, shift: number): KeptNode[] {
  const { version, nodes } = givenFields(JSON.parse(text), 'the file', ['version', 'nodes'])
  if (version !== FILE_VERSION) throw new Error(`its version is ${JSON.stringify(version)}, this release reads ${FILE_VERSION}`)
  const count = givenLength(nodes, 'nodes')
  if (count > MAX_NODE_RECORDS) throw new Error(`it lists ${count} nodes, at most ${MAX_NODE_RECORDS} are allowed`)
  return givenItems(nodes, count, (node) => parseNode(node, shift))
}

function parseNode(node: unknown, shift: number): KeptNode {
  const given = givenFields(node, 'a node', FIELDS)
  const state = STATES.find((one) => one === given['state'])
  if (state === undefined) throw new Error('a node is in no state that there is')
  const count = givenLength(given['addresses'], 'addresses')
  if (count > MAX_MEMBER_ADDRESSES) throw new Error(`a node has ${count} addresses`)
  const changedAt = timeOf(given['changed'], shift)
  return {
    endpointId: checkEndpointId(given['endpointId']),
    nodeId: checkNodeId(given['nodeId'], 'nodeId'),
    addresses: givenItems(given['addresses'], count, (one) => textOf(one, MAX_ADDRESS_SIZE)),
    version: given['version'] === null ? null : textOf(given['version'], MAX_PROGRAM_VERSION_SIZE),
    languageVersion: given['languageVersion'] === null ? null : givenWhole(given['languageVersion'], 'languageVersion', 0),
    state,
    firstSeenAt: timeOf(given['firstSeen'], shift),
    seenAt: given['lastSeen'] === null ? null : timeOf(given['lastSeen'], shift),
    changedAt,
  }
}

function textOf(value: unknown, max: number): string {
  const text = givenText(value, 'a text')
  if (text.length > max) throw new Error(`a text has ${text.length} characters`)
  return text
}

function timeOf(value: unknown, shift: number): number {
  const at = Date.parse(givenText(value, 'a time'))
  if (Number.isNaN(at)) throw new Error('a time is none')
  return at + shift
}
