import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFaults, targetsOf } from './check-package.ts'

const MANIFEST = {
  files: ['dist'],
  bin: { 'aspen-node': 'bin/aspen-node.cjs' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
}
const TARGETS = ['dist/index.d.ts', 'dist/index.js', 'package.json', 'bin/aspen-node.cjs']

test('targetsOf: names every file of exports and bin', () => {
  assert.deepEqual(targetsOf(MANIFEST), TARGETS)
})

test('findFaults: finds nothing wrong with a whole package', () => {
  assert.deepEqual(findFaults(MANIFEST, TARGETS), [])
})

test('findFaults: names missing targets, tests and sources', () => {
  assert.match(findFaults(MANIFEST, TARGETS.slice(1)).join(), /points at dist\/index\.d\.ts/)
  assert.match(findFaults(MANIFEST, [...TARGETS, 'dist/a.test.js']).join(), /ship the test/)
  assert.match(findFaults(MANIFEST, [...TARGETS, 'dist/a.ts']).join(), /ship the source/)
})
