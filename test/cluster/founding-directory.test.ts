/** The swap of one node for another in a data directory: cut short anywhere, and once more while it is gone on with. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { volume } from '../volume.ts'
import { FoundingDirectory } from '../../src/cluster/refound/index.ts'

const OLD = ['log/a.segment', 'log/b.segment', 'state/state-1.db', 'snapshots/s', 'peers.json', 'nodes.json', 'identity.json']
const NEW = ['log/a.segment', 'snapshots/t', 'identity.json']

class Interrupted extends Error {}

function write(folder: string, names: readonly string[], text: string): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** The files below a folder, with what is in them. */
function filesIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  const paths = files.map((item) => join(item.parentPath, item.name)).filter((path) => !path.includes('LOCK'))
  return paths.map((path) => `${path.slice(folder.length + 1)}: ${readFileSync(path, 'utf8')}`).toSorted()
}

const told = (names: readonly string[], text: string, folder = ''): string[] => names.map((name) => `${folder}${name}: ${text}`)

/** Goes on, or begins; `before` interrupts it. */
function swap(path: string, before: (change: string) => void): void {
  const directory = new FoundingDirectory(path, before)
  try {
    const record = directory.record()
    if (record === undefined) directory.install('c')
    else directory.finish(record)
  } finally {
    directory.release()
  }
}

function cutAt(cut: number): (change: string) => void {
  let seen = 0
  return (change) => {
    if (seen++ === cut) throw new Interrupted(change)
  }
}

test('FoundingDirectory: wherever it is cut short, twice too, there is the old node or all of the new one, and nothing is lost', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'aspen-founding-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const [saved, path] = [join(root, 'saved'), join(root, 'data')]
  write(saved, OLD, 'old')
  write(join(saved, 'found-anew', 'new'), NEW, 'new')
  const begin = (): void => {
    rmSync(path, { recursive: true, force: true })
    cpSync(saved, path, { recursive: true })
  }
  const done = [...told(NEW, 'new'), ...told(OLD, 'old', 'set-aside-1/')].toSorted()
  begin()
  const steps: string[] = []
  swap(path, (change) => steps.push(change))
  assert.deepEqual(filesIn(path), done)
  assert.ok(steps.length > 25, steps.join())
  for (const [first, step] of steps.entries()) {
    for (let again = 0; again < volume(5, 1); again++) {
      const second = (7 * first + 11 * again) % steps.length
      begin()
      assert.throws(() => swap(path, cutAt(first)), Interrupted)
      const found = filesIn(path)
      const all = [...told(NEW, 'new'), ...told(OLD, 'old')].length
      assert.equal(found.filter((file) => /: (old|new)$/.test(file)).length, all, `cut before ${step}: nothing is lost`)
      if (!existsSync(join(path, 'found-anew.json'))) {
        for (const file of told(OLD, 'old')) assert.ok(found.includes(file), `cut before ${step}: the old node has ${file}`)
      }
      try {
        swap(path, cutAt(second))
      } catch (error) {
        assert.ok(error instanceof Interrupted)
        swap(path, () => undefined)
      }
      assert.deepEqual(filesIn(path), done, `cut before ${step}, then at ${second}`)
    }
  }
})
