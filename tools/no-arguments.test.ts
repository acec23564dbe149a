import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

/** Scripts of package.json that start nodes, or work for long. */
for (const script of ['smoke', 'check', 'build', 'cluster']) {
  test(`npm run ${script}: says what it does when asked for help, refuses what it does not know, and does nothing else`, () => {
    const run = (word: string): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, [join(import.meta.dirname, `${script}.ts`), word], { encoding: 'utf8' })
    for (const word of ['--help', '-h', 'help']) {
      const { status, stdout } = run(word)
      assert.equal(status, 0)
      assert.match(String(stdout), new RegExp(`^Usage: npm run ${script}`))
    }
    const { status, stdout, stderr } = run('--no-such-flag')
    assert.equal(status, 64)
    assert.equal(stdout, '')
    assert.match(String(stderr), /"--no-such-flag" is not expected/)
  })
}
