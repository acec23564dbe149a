/** What is on its way to a thread when the actor there ends by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorSystem, defineActor, InlineThreads, inThread } from '../../../src/actor/index.ts'
import type { ActorContext, ActorError, ActorEvent, LifeEvent, Restart } from '../../../src/actor/index.ts'
import { Prng } from '../../../src/lib/index.ts'
import { ManualClock } from '../../manual-clock.ts'

/** Turns in which the message comes as far as its handler, and some more. */
const TURNS = 6

interface Worker {
  work(): string
}

/** What became of a message that was sent `turns` before its actor stopped itself, and of the actor. */
async function crossing(turns: number, restart: Restart, isCall: boolean) {
  const clock = new ManualClock()
  const contexts: ActorContext[] = []
  const events: ActorEvent[] = []
  const fates: string[] = []
  const told: LifeEvent[] = []
  const worker = defineActor<Worker>({
    start: (context) => {
      contexts.push(context)
      return { work: () => (fates.push('handled'), 'worked') }
    },
  })
  const rest = async (): Promise<void> => {
    for (let turn = 0; turn < 2 * TURNS; turn++) {
      clock.settle()
      await Promise.resolve()
    }
  }
  const report = (event: ActorEvent): void => void events.push(event)
  const system = new ActorSystem({ clock, random: new Prng(1), threads: new InlineThreads(() => ({ worker })), report })
  const definition = inThread<typeof worker>(new URL('file:///no-file/worker.ts'), 'worker')
  const ref = system.spawn(definition, { restart, onDropped: (message) => void fates.push(`${message} dropped`) })
  let linked = 0
  const start = (context: ActorContext): object => {
    linked++
    context.link(ref)
    context.monitor(ref, (event) => told.push(event))
    return {}
  }
  system.spawn(defineActor({ start }))
  await rest()
  if (isCall) ref.call('work').catch(({ code, begun }: ActorError) => fates.push(`${code} ${begun}`))
  else ref.cast('work')
  const later = (left: number): void => (left === 0 ? contexts[0]?.stop() : clock.defer(() => later(left - 1)))
  later(turns)
  await rest()
  clock.advance(1_000)
  await rest()
  const reasons = events.filter(({ event }) => event === 'failed').map(({ error }) => error?.message)
  const [down] = told
  return {
    fates,
    reasons,
    linked,
    down: down?.type === 'down' ? `${down.reason} ${down.final}` : undefined,
    lives: contexts.length,
  }
}

test('an actor in a thread that stops itself: what was on its way is handled, or was not begun and is said to be so; it is no crash', async () => {
  for (const [restart, lives, reasons] of [
    ['permanent', 2, ['it stopped itself, and is permanent']],
    ['transient', 1, []],
  ] as const)
    for (const isCall of [true, false]) {
      const seen = new Set<string>()
      for (let turns = 0; turns < TURNS; turns++) {
        const { fates, ...others } = await crossing(turns, restart, isCall)
        const down = `stopped ${restart !== 'permanent'}`
        assert.deepEqual(others, { reasons, linked: 1, down, lives }, `${restart}, ${turns} turns`)
        assert.equal(fates.length, 1, `${restart}, ${turns} turns: ${fates.join(', ')}`)
        seen.add(fates[0] ?? '')
      }
      assert.deepEqual([...seen], [isCall ? 'DOWN false' : 'work dropped', 'handled'])
    }
})
