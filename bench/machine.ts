/** The machine that numbers belong to: without it they say nothing. */
import { statfsSync } from 'node:fs'
import os from 'node:os'

/** Of statfs(2), for the file systems that a temporary folder is found on. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs: a sync costs nothing there, set TMPDIR to a real disk',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
}

/** Processor, cores, system, Node, the file system of the temporary folder, and how busy the machine is already. */
export function describeMachine(): string {
  const model = os.cpus()[0]?.model ?? 'unknown processor'
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30)
  const { type } = statfsSync(os.tmpdir())
  const load = os.loadavg()[0] ?? 0
  return [
    `${model}, ${os.availableParallelism()} cores, ${memoryGiB} GiB, ${os.type()} ${os.release()} ${os.arch()}, Node ${process.version}`,
    `${new Date().toISOString().slice(0, 16)}Z, load before ${load.toFixed(2)}, files in ${os.tmpdir()} (${FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`})`,
  ].join('\n')
}
