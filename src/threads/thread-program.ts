/** The program of a thread: a host of actors, which hears from and tells the thread that made it. */
import { parentPort } from 'node:worker_threads'
import { ThreadHost } from '../actor/index.ts'
import type { FromProgram, ProgramData, ToProgram } from './program-data.ts'
import { threadClock } from './thread-clock.ts'

function begin({ port, zeroMs }: ProgramData): void {
  const tell = (message: FromProgram): void => port.postMessage(message)
  const host = new ThreadHost({
    clock: threadClock(zeroMs),
    load: (module) => import(module),
    tell: (news) => tell({ news }),
  })
  port.on('message', (message: ToProgram) => {
    if (message === 'ask') tell('answer')
    else host.hear(message.order)
  })
  tell('ready')
}

parentPort?.once('message', begin)
