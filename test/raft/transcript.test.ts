import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { runTranscript } from './transcript.ts'

const FOLDER = new URL('./transcripts/', import.meta.url)
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))

test('transcripts: there are some', () => {
  assert.ok(files.length >= 10)
})

for (const name of files) {
  test(`transcript ${name}: reads as it runs`, () => {
    const url = new URL(name, FOLDER)
    const written = readFileSync(url, 'utf8')
    const actual = runTranscript(written)
    // To be read, line by line, before it is committed.
    if (process.env['UPDATE_TRANSCRIPTS'] === '1') writeFileSync(url, actual)
    else assert.equal(actual, written)
  })
}
