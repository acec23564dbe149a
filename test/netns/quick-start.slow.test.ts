import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { testInNamespace, whyNoNamespaces } from './in-namespace.ts'

const TIMEOUT_MS = 300_000

function whyNoCurl(): string | undefined {
  return spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'there is no program curl here'
}

test('README: the quick start of three nodes', { skip: whyNoNamespaces() ?? whyNoCurl() ?? false }, () => {
  assert.match(testInNamespace('test/netns/quick-start.ts', TIMEOUT_MS), /fail 0/)
})
