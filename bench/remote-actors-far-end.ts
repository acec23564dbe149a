/** Runs as a process: a node with an actor that answers what it is asked. */
import { defineActor } from '../src/actor/index.ts'
import { Echo, startEnd } from './remote-actors-end.ts'

if (process.send !== undefined) {
  const { system, far } = await startEnd(2, new Map())
  system.spawn(defineActor<Echo>({ start: () => new Echo() }), { registerAs: 'echo' })
  process.send(far)
  process.once('disconnect', () => process.exit())
}
