import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkInstallation, packageVersion } from './package-version.ts'

const OWN = new URL('../../package.json', import.meta.url)

test('packageVersion: is that of package.json', () => {
  assert.equal(packageVersion(), (JSON.parse(readFileSync(OWN, 'utf8')) as { version: string }).version)
})

test('checkInstallation: finds everything where it is, and says what a bundler has left behind', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-bundle-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const foreign = join(folder, 'package.json')
  writeFileSync(foreign, '{"name":"my-program","version":"7.0.0"}')
  checkInstallation()
  const nowhere = (): never => {
    throw new TypeError('Invalid URL')
  }
  assert.throws(() => checkInstallation(nowhere), /cannot tell where it stands; .*--external:aspen/)
  const missing = pathToFileURL(join(folder, 'state-worker.js'))
  assert.throws(() => checkInstallation(() => [missing]), /state-worker\.js is not there; .*--external:aspen/)
  assert.throws(
    () =>
      checkInstallation(
        () => [],
        () => pathToFileURL(foreign),
      ),
    /package\.json is not its package\.json; .*--external:aspen/,
  )
  assert.throws(
    () =>
      checkInstallation(
        () => [],
        () => pathToFileURL(join(folder, 'none')),
      ),
    /none cannot be read; .*--external:aspen/,
  )
})
