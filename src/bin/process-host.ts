import process from 'node:process'
import { isatty } from 'node:tty'
import { standardError, standardOutput } from '../cluster/output/index.ts'
import type { ProcessHost } from './node-program.ts'
import { signalsOf } from './signals.ts'

/** Whether this was started from a terminal and still talks to it. Under nohup, and under a service manager, nothing does. */
function hasTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor))
}

/** The process that this program is. */
export function currentProcess(): ProcessHost {
  const output = standardOutput()
  const error = standardError()
  return {
    print: (line) => output.write(`${line}\n`),
    complain: (line) => error.write(`${line}\n`),
    exit: (code) => process.exit(code),
    onSignal(handler) {
      const { stopping, ignored } = signalsOf(hasTerminal())
      for (const signal of stopping) process.on(signal, handler)
      for (const signal of ignored) process.on(signal, () => undefined)
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
