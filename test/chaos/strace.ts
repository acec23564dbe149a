/** Counts the durable writes of a running process to its log, as the kernel sees them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { constants } from 'node:fs'

/** This machine does not let one process look at another. */
export class PtraceForbidden extends Error {
  override readonly name = 'PtraceForbidden'
}

export interface SyscallTrace {
  /** Detaches and returns the lines of the trace. */
  stop(): Promise<readonly string[]>
}

/** Attaches to a process, all of its threads included. @throws PtraceForbidden; Error when strace is missing */
export async function traceWrites(pid: number, file: string): Promise<SyscallTrace> {
  const calls = 'trace=pwrite64,pwritev,pwritev2,write,fdatasync,fsync'
  const strace = spawn('strace', ['-f', '-y', '-s', '0', '-e', calls, '-o', file, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let said = ''
  strace.once('error', (error) => reject(new Error(`strace cannot be started (${error.message}): install it`)))
  strace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.includes('Operation not permitted')) reject(new PtraceForbidden(said.trim()))
    else if (said.includes('attached')) resolve()
  })
  strace.once('exit', () => reject(new Error(`strace ended: ${said.trim()}`)))
  await promise
  return {
    stop: async () => {
      strace.kill('SIGINT')
      await once(strace, 'exit')
      return readFileSync(file, 'utf8').split('\n')
    },
  }
}

/** Descriptors of files in `folder` that the process opened with O_DSYNC: a write to one is durable when it returns. */
export function durableDescriptors(pid: number, folder: string): ReadonlySet<number> {
  const durable = new Set<number>()
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    if (!readlinkSync(`/proc/${pid}/fd/${name}`).startsWith(folder)) continue
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8'))?.[1] ?? '0'
    if ((Number.parseInt(flags, 8) & constants.O_DSYNC) !== 0) durable.add(Number(name))
  }
  return durable
}

/** Syncs of files in `folder`, and writes through descriptors that sync by themselves. */
export function countSyncs(lines: readonly string[], folder: string, durable: ReadonlySet<number>): number {
  let count = 0
  for (const line of lines) {
    const call = /\b(pwrite64|pwritev2?|write|fdatasync|fsync)\((\d+)<([^>]*)>/.exec(line)
    if (call === null || !(call[3] as string).startsWith(folder)) continue
    if ((call[1] as string).endsWith('sync') || durable.has(Number(call[2]))) count++
  }
  return count
}
