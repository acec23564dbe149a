import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { MemoryDisk, NodeDisk } from '../../src/storage/disk/index.ts'
import { diskContract } from './disk.ts'
import { CrashingDisk } from './disk-crashing.ts'
import { Prng } from '../../src/lib/index.ts'

const root = mkdtempSync(join(tmpdir(), 'aspen-disk-'))
after(() => rmSync(root, { recursive: true }))
let directories = 0

diskContract('NodeDisk', () => new NodeDisk(join(root, `${++directories}`)))
diskContract('MemoryDisk', () => new MemoryDisk(setImmediate))
diskContract('CrashingDisk', () => new CrashingDisk(new Prng(1), setImmediate))
