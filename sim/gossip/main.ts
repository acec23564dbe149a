/** `npm run sim:gossip`: seeds of gossip, one after the other. */
import { parseArgs } from 'node:util'
import { runGossip } from './gossip-run.ts'
import type { GossipReport, GossipRunOptions } from './gossip-run.ts'

const HELP = `Usage: npm run sim:gossip -- --seed N [--seeds COUNT] [--nodes N]

Nodes that find each other by gossip in virtual time, while messages are lost, some lie, a cut goes through them, and addresses change.
Exit 0: everybody found everybody and believed nobody else; 1: not so; 2: wrong usage.`

const MAX_SEEDS = 1_000_000
const MAX_NODES = 200

/** Undefined for wrong usage. */
export function readSeeds(
  args: readonly string[],
): { readonly first: number; readonly count: number; readonly nodes?: number } | undefined {
  const options = { seed: { type: 'string' }, seeds: { type: 'string' }, nodes: { type: 'string' } } as const
  let values: { readonly seed?: string; readonly seeds?: string; readonly nodes?: string }
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch {
    return undefined
  }
  const first = whole(values.seed, 0, Number.MAX_SAFE_INTEGER - MAX_SEEDS)
  const count = values.seeds === undefined ? 1 : whole(values.seeds, 1, MAX_SEEDS)
  const nodes = values.nodes === undefined ? null : whole(values.nodes, 2, MAX_NODES)
  if (first === undefined || count === undefined || nodes === undefined) return undefined
  return { first, count, ...(nodes === null ? {} : { nodes }) }
}

function whole(text: string | undefined, min: number, max: number): number | undefined {
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : undefined
}

function describe(seed: number, { nodes, lies, mutualMs, movedMs, mergedMs, restBytes }: GossipReport): string {
  const liars = lies.length === 0 ? 'nobody lies' : `liars: ${lies.join(', ')}`
  return `seed ${seed}: ${nodes} nodes, ${liars}; known in ${mutualMs} ms, moved ${movedMs}, merged ${mergedMs}; ${Math.round(restBytes)} B/s`
}

/** @returns the exit code */
export function main(args: readonly string[], print: (line: string) => void, run = runGossip): number {
  const wanted = readSeeds(args)
  if (wanted === undefined) {
    print(HELP)
    return args.includes('--help') ? 0 : 2
  }
  const { first, count, nodes } = wanted
  const more: Omit<GossipRunOptions, 'seed'> = nodes === undefined ? {} : { nodes }
  for (let seed = first; seed < first + count; seed++) {
    try {
      print(describe(seed, run({ seed, ...more })))
    } catch (error) {
      print(`seed ${seed}: ${(error as Error).message}`)
      print(`again: npm run sim:gossip -- --seed ${seed}${nodes === undefined ? '' : ` --nodes ${nodes}`}`)
      return 1
    }
  }
  return 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`))
