/** Makes system calls of a running process fail, as a failing disk would, by way of strace. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PtraceForbidden } from '../chaos/strace.ts'

export interface Injection {
  /** Only calls on these files fail. */
  readonly files: readonly string[]
  readonly calls: readonly string[]
  readonly error: 'EIO' | 'ENOSPC'
}

/** From the time it resolves on, the calls fail, until the process ends or the function returned is called. @throws PtraceForbidden */
export async function injectErrors(pid: number, { files, calls, error }: Injection): Promise<() => Promise<void>> {
  const paths = files.flatMap((file) => ['-P', file])
  const faults = ['-e', `trace=${calls.join(',')}`, '-e', `inject=${calls.join(',')}:error=${error}`]
  const strace = spawn('strace', ['-f', ...paths, ...faults, '-o', '/dev/null', '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const exit = once(strace, 'exit')
  let said = ''
  strace.once('error', (failure) => reject(new Error(`strace cannot be started (${failure.message}): install it`)))
  strace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.includes('Operation not permitted'))
      reject(new PtraceForbidden(`${said.trim()}: this test needs the right to trace`))
    else if (said.includes('attached')) resolve()
  })
  strace.once('exit', () => reject(new Error(`strace ended: ${said.trim()}`)))
  await promise
  return async () => {
    if (strace.exitCode === null && strace.signalCode === null) strace.kill('SIGINT')
    await exit
  }
}
