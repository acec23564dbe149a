/** The lives of `aspen-node backup`, `verify-backup` and `restore`: a signal ends each of them at once, and leaves nothing half done behind. */
import { pipeline } from 'node:stream/promises'
import { connectHttp } from '../client/index.ts'
import { describeBackup, drawClusterId, restore, saveBackup, verifyBackup } from '../cluster/index.ts'
import type { NodeConfig } from '../cluster/config/index.ts'
import type { BackupArguments } from './backup-arguments.ts'
import { EXIT } from './exit-code.ts'
import type { ProcessHost } from './node-program.ts'

export async function runBackup(host: ProcessHost, { url, token, out, local }: BackupArguments): Promise<void> {
  const client = connectHttp(url, token === null ? {} : { token })
  await run(host, 'backup', async () => {
    const backup = await client.backup({ local })
    if (out === '-') return pipeline(backup, process.stdout)
    const found = await saveBackup(backup, out)
    for (const line of describeBackup(found)) host.print(line)
    return host.print(`${out}: ${backup.sizeBytes} bytes, whole and verified`)
  })
  client.close()
}

export function runVerify(host: ProcessHost, file: string): Promise<void> {
  return run(host, 'verify-backup', async () => {
    const found = await verifyBackup(file)
    for (const line of describeBackup(found)) host.print(line)
    host.print(`${file} is whole`)
  })
}

export function runRestore(host: ProcessHost, config: NodeConfig, from: string): Promise<void> {
  const name = `restore ${config.nodeId}`
  return run(host, name, () =>
    restore({ config, from, drawClusterId, now: Date.now, say: (line) => host.print(`aspen-node ${name}: ${line}`) }),
  )
}

/** Resolves once the process has been told to exit. */
async function run(host: ProcessHost, name: string, task: () => Promise<void>): Promise<void> {
  host.onSignal((signal) => host.exit(EXIT[signal]))
  try {
    await task()
    host.exit(EXIT.OK)
  } catch (error) {
    host.complain(`aspen-node ${name}: ${error instanceof Error ? error.message : String(error)}`)
    host.exit(EXIT.FAILURE)
  }
}
