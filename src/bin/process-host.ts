import process from 'node:process'
import type { ProcessHost } from './node-program.ts'

/** The process that this program is. */
export function currentProcess(): ProcessHost {
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read the output is gone, and with it the one place to say so. A node outlives its readers.
    stream.on('error', () => undefined)
  }
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
    exit: (code) => process.exit(code),
    onSignal(handler) {
      process.on('SIGINT', handler)
      process.on('SIGTERM', handler)
    },
    onUncaught(handler) {
      process.on('uncaughtException', handler)
      process.on('unhandledRejection', handler)
    },
    now: () => performance.now(),
    setTimer(delayMs, run) {
      setTimeout(run, delayMs)
    },
  }
}
