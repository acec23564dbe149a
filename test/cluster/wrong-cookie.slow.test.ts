/** One of three members comes back with a wrong cookie, and stays so for a while: every node says it, and none fills its log with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenNode } from '../../src/cluster/index.ts'
import { noMetrics } from '../../src/ports/index.ts'
import type { Metrics } from '../../src/ports/index.ts'
import { eventually, formThree, peerOf, testNodes } from './nodes.ts'

/** About 30 s of dialling, which slows down to once in 2 s for each peer. */
const ATTEMPTS = 30
const MAX_LINES = 3

interface Witness {
  readonly lines: string[]
  readonly metrics: Metrics
  failures: number
}

function witness(): Witness & { readonly logger: { log(level: string, message: string, facts?: object): void } } {
  const lines: string[] = []
  const seen = {
    lines,
    failures: 0,
    logger: {
      log: (level: string, message: string, facts: object = {}): void => {
        const line = `${level} ${message} ${JSON.stringify(facts)}`
        // Whoever starts first finds the others' ports closed.
        if (level !== 'info' && level !== 'debug' && !line.includes('ECONNREFUSED')) lines.push(line)
      },
    },
    metrics: {
      ...noMetrics,
      counter: (name: string, labels: Readonly<Record<string, string>> = {}) => ({
        add: (): void => void (name === 'aspen_link_failures_total' && labels.code === 'COOKIE_MISMATCH' && seen.failures++),
      }),
    } as Metrics,
  }
  return seen
}

test(
  'a wrong cookie on one of three nodes: at most three lines on each, with cause, address and advice',
  { timeout: 300_000 },
  async (t) => {
    const nodes = testNodes(t)
    const formed = await formThree(nodes)
    const ports = formed.map((node) => Number(node.status().addresses[0]?.split(':').at(-1)))
    for (const node of formed) await node.stop()
    const watched = [witness(), witness(), witness()]
    const again = await Promise.all(
      watched.map(({ logger, metrics }, i) =>
        AspenNode.start(
          {
            nodeId: i + 1,
            dataDir: nodes.directory(i + 1),
            cookie: i === 2 ? 'wrong' : 'test-cookie',
            ractorPort: ports[i] as number,
            enableMdns: false,
          },
          { logger, metrics },
        ),
      ),
    )
    t.after(() => Promise.all(again.map((node) => node.stop())))
    await eventually(`${ATTEMPTS} refusals at each`, () => watched.every(({ failures }) => failures >= ATTEMPTS))
    const third = peerOf(again[2] as AspenNode)
    for (const { lines, failures } of watched) {
      t.diagnostic(`${failures} refusals, ${lines.length} lines: ${lines.join('\n')}`)
      const cookies = lines.filter((line) => line.includes('COOKIE_MISMATCH'))
      assert.ok(cookies.length > 0 && lines.length <= MAX_LINES, lines.join('\n'))
      for (const line of cookies) {
        assert.match(line, /start both nodes with the same cookie/)
        assert.match(line, /"remote":"127\.0\.0\.1:\d+"/)
      }
    }
    assert.ok(
      watched[0]?.lines.some((line) => line.includes(third.endpointId)),
      'it is told who it is',
    )
  },
)
