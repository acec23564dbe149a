import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Logger } from '../../ports/index.ts'
import { AspenNode } from '../aspen-node.ts'

test('AspenNode: warns of a data directory in which others may write', { skip: process.platform === 'win32' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-mode-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const warnings = async (mode: number): Promise<readonly string[]> => {
    chmodSync(folder, mode)
    const said: string[] = []
    const logger: Logger = { log: (level, message) => void (level === 'warn' && said.push(message)) }
    const node = await AspenNode.start({ nodeId: 1, dataDir: folder, ractorPort: 0, enableMdns: false }, { logger })
    await node.stop()
    return said
  }
  for (const mode of [0o777, 0o770, 0o702]) {
    const shown = `0${mode.toString(8)}`
    assert.deepEqual(await warnings(mode), [`others may write in the data directory ${folder} (mode ${shown}): chmod 700 it`])
  }
  for (const mode of [0o700, 0o755]) assert.deepEqual(await warnings(mode), [])
})
