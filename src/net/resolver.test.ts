import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createResolver } from './resolver.ts'

test('createResolver: answers addresses, names of the hosts file, and localhost, without asking anyone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-hosts-'))
  try {
    const file = join(folder, 'hosts')
    writeFileSync(file, '# comment\n10.0.0.1  one One.example # two\n10.0.0.2\tone\nnonsense here\n\n::5 six\n')
    const resolve = createResolver(file)
    assert.deepEqual(await resolve('1.2.3.4'), ['1.2.3.4'])
    assert.deepEqual(await resolve('::1'), ['::1'])
    assert.deepEqual(await resolve('ONE'), ['10.0.0.1', '10.0.0.2'])
    assert.deepEqual(await resolve('one.example'), ['10.0.0.1'])
    assert.deepEqual(await resolve('six'), ['::5'])
    assert.deepEqual(await resolve('localhost'), ['127.0.0.1', '::1'])
    assert.deepEqual(await createResolver(join(folder, 'none'))('localhost'), ['127.0.0.1', '::1'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
