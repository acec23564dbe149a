import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { DataDirectoryLock } from './data-directory-lock.ts'

const root = mkdtempSync(join(tmpdir(), 'aspen-lock-'))
after(() => rmSync(root, { recursive: true }))

const inUse = (directory: string) => (error: unknown) => {
  assert.ok(error instanceof Error)
  assert.ok(error.message.includes(directory), error.message)
  assert.match(error.message, /in use by another node: stop that node, or give this one its own directory/)
  return true
}

test('DataDirectoryLock: refuses a second holder in one process, and frees the directory on release', () => {
  const directory = join(root, 'a', 'nested')
  const lock = new DataDirectoryLock(directory)
  assert.equal(lock.directory, directory)
  assert.throws(() => new DataDirectoryLock(directory), inUse(directory))
  assert.throws(() => new DataDirectoryLock(directory), inUse(directory))
  lock.release()
  lock.release()
  new DataDirectoryLock(directory).release()
})

test('DataDirectoryLock: does not keep other directories', () => {
  const locks = ['b', 'c'].map((name) => new DataDirectoryLock(join(root, name)))
  for (const lock of locks) lock.release()
})

test('DataDirectoryLock: refuses while another process holds it, and not after that process was killed', async () => {
  const directory = join(root, 'd')
  const program = `
    import { DataDirectoryLock } from ${JSON.stringify(new URL('./data-directory-lock.ts', import.meta.url).href)}
    new DataDirectoryLock(${JSON.stringify(directory)})
    globalThis.gc()
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(output.toString(), 'locked')
  assert.throws(() => new DataDirectoryLock(directory), inUse(directory))
  child.kill('SIGKILL')
  await once(child, 'exit')
  new DataDirectoryLock(directory).release()
})

test('DataDirectoryLock: says why when the directory cannot be locked at all', () => {
  const file = join(root, 'file')
  writeFileSync(file, 'x')
  assert.throws(
    () => new DataDirectoryLock(join(file, 'below')),
    /below cannot be locked .*ENOTDIR.*check that it is a local directory/,
  )

  const foreign = join(root, 'foreign')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'LOCK'), 'This is a text and not a database. '.repeat(100))
  assert.throws(() => new DataDirectoryLock(foreign), /cannot be locked .*not a database.*not a foreign file/)
})
