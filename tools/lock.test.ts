import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

interface Locked {
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/**
 * Registries that mirror others do not have the binding for every platform, and what they do not have cannot be locked. Where it is there,
 * an install adds it.
 */
const NOT_EVERYWHERE = '@number0/iroh-'

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>
}

test('package-lock.json: lists what is for other platforms too, so that no install adds to it', () => {
  const absent = Object.values(lock.packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !name.startsWith(NOT_EVERYWHERE))
    .filter((name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)))
  assert.deepEqual(absent, [])
  const foreign = Object.entries(lock.packages).filter(([, { optional }]) => optional === true)
  assert(foreign.length > 0, 'nothing here is for some platforms only: this test looks at nothing')
})

test('package-lock.json: agrees with package.json', () => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text) as Record<string, unknown>
  const root = lock.packages[''] as Record<string, unknown>
  assert.deepEqual(
    [root.dependencies, root.devDependencies, root.optionalDependencies],
    [dependencies, devDependencies, optionalDependencies],
  )
})
