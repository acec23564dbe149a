/**
 * The layers of `src/` and what each may import. ARCHITECTURE.md prints this table; `npm run tidy` compares the two.
 *
 * A layer is a top folder of `src/`, a folder in one that has a row of its own (`net/link`), or a file of `src/` (`limits`, `index`).
 * A row names only rows above it, so the table itself rules out cycles.
 */
export interface Layer {
  readonly name: string
  readonly holds: string
  readonly imports: readonly string[]
  /** Compiled without Node's types, and importing no package. */
  readonly pure?: true
  /** Time and randomness come in through ports only. */
  readonly deterministic?: true
}

const CORE = ['lib', 'limits', 'api', 'commands', 'ports'] as const

export const LAYERS: readonly Layer[] = [
  {
    name: 'lib',
    holds: 'assertions, byte strings and how they are written, queues, the seeded generator',
    imports: [],
    pure: true,
    deterministic: true,
  },
  { name: 'limits', holds: 'every fixed bound, with the relations between them', imports: ['lib'], pure: true },
  {
    name: 'raft',
    holds: 'the consensus core: no I/O, no clock, no promise, no payload',
    imports: ['lib', 'limits'],
    pure: true,
    deterministic: true,
  },
  { name: 'api', holds: 'what users see: stores, commands, errors, status', imports: ['lib', 'limits'], pure: true },
  {
    name: 'commands',
    holds: 'the replicated language: what a command is, its bytes, and what it makes of the state',
    imports: ['lib', 'limits', 'api'],
    pure: true,
    deterministic: true,
  },
  {
    name: 'ports',
    holds: 'interfaces to disk, network, clock, log and metrics',
    imports: ['lib', 'limits', 'raft', 'api', 'commands'],
    pure: true,
  },
  { name: 'machine', holds: 'the clock and the randomness of this machine', imports: ['lib', 'ports'] },
  {
    name: 'wire',
    holds: 'bytes to values and back, versioned',
    imports: ['lib', 'limits', 'raft', 'api', 'commands', 'ports'],
    pure: true,
    deterministic: true,
  },
  {
    name: 'actor',
    holds: 'actors: mailboxes, supervision, restarts; knows nothing of consensus',
    imports: [...CORE],
    deterministic: true,
  },
  { name: 'threads', holds: 'worker threads of Node that actors live in', imports: [...CORE, 'machine', 'actor'] },
  {
    name: 'actors',
    holds: "what `import 'aspen/actor'` gives: actors on the clock of the machine",
    imports: [...CORE, 'machine', 'actor', 'threads'],
  },
  { name: 'storage', holds: 'the segmented log, the state machine, snapshots', imports: [...CORE, 'raft', 'wire'] },
  {
    name: 'net/link',
    holds: 'proven links of frames over any stream: handshake, windows, ends',
    imports: [...CORE, 'machine', 'wire'],
  },
  {
    name: 'net/direct',
    holds: 'connections over TLS and TCP: dials, listens',
    imports: [...CORE, 'wire', 'net/link'],
  },
  {
    name: 'net/iroh',
    holds: 'connections over QUIC as iroh has it, in a process of its own',
    imports: [...CORE, 'machine', 'wire', 'net/link'],
  },
  {
    name: 'net/paths',
    holds: 'the transport: one active path for each peer, over what carries connections',
    imports: [...CORE, 'wire', 'net/link', 'net/direct', 'net/iroh'],
  },
  { name: 'net', holds: 'what the others see of the transports', imports: ['net/link', 'net/direct', 'net/iroh', 'net/paths'] },
  {
    name: 'discovery/record',
    holds: 'what iroh has nodes say of themselves in TXT records of their keys',
    imports: [...CORE],
  },
  {
    name: 'discovery/mdns',
    holds: 'finds the nodes of a local network, and is found (RFC 6762, RFC 6763)',
    imports: [...CORE, 'machine'],
  },
  {
    name: 'discovery/pkarr',
    holds: 'publishes signed records and finds them, through a relay and on the mainline DHT (pkarr, BEP 44)',
    imports: [...CORE, 'discovery/record'],
  },
  {
    name: 'discovery/dns',
    holds: 'finds nodes by names: hosts, services (SRV), and keys in a zone as iroh has it',
    imports: [...CORE, 'discovery/record'],
  },
  {
    name: 'discovery',
    holds: 'what the others see of the means of finding peers',
    imports: ['discovery/record', 'discovery/mdns', 'discovery/pkarr', 'discovery/dns'],
  },
  { name: 'peers', holds: 'the peer book, and which peers are dialled', imports: [...CORE, 'wire'], deterministic: true },
  {
    name: 'replica',
    holds: 'runs the core: turns, group commit, waiters, recovery',
    imports: [...CORE, 'raft', 'wire', 'actor'],
    deterministic: true,
  },
  {
    name: 'node',
    holds: 'a node put together over ports: peer book, links, replica, service, status',
    imports: [...CORE, 'raft', 'wire', 'actor', 'peers', 'replica'],
    deterministic: true,
  },
  { name: 'faces', holds: 'what serves clients: HTTP, links; none sees what is below `api`', imports: [...CORE, 'wire'] },
  {
    name: 'cluster',
    holds: 'the real ports of a node: configuration, identity, stores; AspenNode, rejoin',
    imports: [...CORE, 'raft', 'wire', 'storage', 'net', 'discovery', 'actor', 'peers', 'replica', 'node', 'faces', 'threads'],
  },
  { name: 'client', holds: 'the interfaces of `api`, over HTTP and over links', imports: [...CORE, 'wire', 'net/direct'] },
  {
    name: 'simulation',
    holds: 'time, network and disks drawn from a seed',
    imports: [...CORE, 'raft', 'wire', 'storage', 'peers', 'replica', 'node'],
    deterministic: true,
  },
  {
    name: 'testing',
    holds: 'clusters in memory and in simulation, for the tests of other programs',
    imports: [...CORE, 'raft', 'wire', 'actor', 'storage', 'peers', 'node', 'cluster', 'simulation'],
  },
  { name: 'index', holds: "what `import 'aspen'` gives", imports: [...CORE, 'cluster', 'client'] },
  {
    name: 'bin',
    holds: 'programs: parse, call one function, map errors to exit codes',
    imports: [...CORE, 'cluster', 'faces', 'client'],
  },
]

/** The table as ARCHITECTURE.md shows it, one string with a newline after each row. */
export function renderLayerTable(layers: readonly Layer[] = LAYERS): string {
  const rows = layers.map((layer) => {
    const marks = [layer.pure ? 'pure' : '', layer.deterministic ? 'deterministic' : ''].filter(Boolean).join(', ')
    return `| \`${layer.name}\` | ${layer.holds} | ${layer.imports.join(', ') || '—'} | ${marks || '—'} |\n`
  })
  return `| layer | holds | may import | is |\n| --- | --- | --- | --- |\n${rows.join('')}`
}
