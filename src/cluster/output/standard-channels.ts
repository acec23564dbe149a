import { constants, openSync, writeSync } from 'node:fs'
import process from 'node:process'
import { isatty } from 'node:tty'
import { OutputChannel } from './output-channel.ts'
import type { TakeBytes } from './output-channel.ts'

const STANDARD_OUTPUT = 1
const STANDARD_ERROR = 2

/** How long the last lines of a process that ends may take to leave, in milliseconds. */
const LAST_LINES_MS = 250

/** A terminal that is held (Ctrl-S) keeps whoever writes to it waiting. A descriptor of our own does not wait, and leaves that of the shell as it is. */
function openTerminal(descriptor: number): number {
  try {
    return openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    // Another user's terminal, or no such folder: then it is written to as it is.
    return descriptor
  }
}

function takeBytes(descriptor: number, stream: NodeJS.WriteStream): TakeBytes {
  // Making the stream has put a pipe or socket into the mode in which a write does not wait. Writing is done here all the same:
  // what a stream has buffered is lost when the process exits. Warnings of Node go through it, and a reader who is gone ends nothing.
  stream.on('error', () => undefined)
  const target = isatty(descriptor) ? openTerminal(descriptor) : descriptor
  return (bytes) => {
    try {
      return writeSync(target, bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
      throw error
    }
  }
}

function open(descriptor: number, stream: NodeJS.WriteStream): OutputChannel {
  const channel = new OutputChannel(takeBytes(descriptor, stream), isatty(descriptor))
  process.on('exit', () => channel.flush(LAST_LINES_MS))
  return channel
}

let output: OutputChannel | undefined
let error: OutputChannel | undefined

export function standardOutput(): OutputChannel {
  return (output ??= open(STANDARD_OUTPUT, process.stdout))
}

export function standardError(): OutputChannel {
  return (error ??= open(STANDARD_ERROR, process.stderr))
}
