import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { envelopeSize, toCommand } from '../../src/commands/index.ts'
import type { WriteCommand } from '../../src/api/index.ts'
import { connectHttp } from '../../src/client/index.ts'
import type { AspenHttpClient } from '../../src/client/index.ts'
import { MAX_COMMAND_SIZE, MAX_VALUE_SIZE } from '../../src/limits.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

/** Values of one character, as much of it as one command may hold. */
function largestCommand(character: string): WriteCommand {
  const width = Buffer.byteLength(character)
  const make = (lastSize: number): WriteCommand => {
    const sizes = [...Array.from({ length: 8 }, () => MAX_VALUE_SIZE - 64), lastSize]
    return { SetMulti: { pairs: sizes.map((size, i) => [`${i}`, character.repeat(Math.floor(size / width))] as const) } }
  }
  const sizeOf = (write: WriteCommand): number => envelopeSize({ origin: null, command: toCommand(write) })
  const command = make(200 + MAX_COMMAND_SIZE - sizeOf(make(200)))
  assert.ok(MAX_COMMAND_SIZE - sizeOf(command) < width)
  return command
}

describe('connectHttp: bodies', () => {
  let fixture: Fixture
  let client: AspenHttpClient
  before(async () => {
    fixture = await createFixture()
    client = connectHttp(await fixture.server.listen())
  })
  after(async () => {
    client.close()
    await fixture.server.close(0)
  })

  for (const [name, character] of [
    ['control characters, of six bytes each in JSON', '\u0001'],
    ['quotation marks, of two bytes each in JSON', '"'],
    ['letters', 'a'],
    ['letters of two bytes', 'ü'],
  ] as const) {
    test(`write: takes as much as a command may hold of ${name}`, async () => {
      const command = largestCommand(character)
      await client.write(command)
      assert.ok('SetMulti' in command)
      for (const [key, value] of command.SetMulti.pairs) {
        const found = (await fixture.cluster.read(key))?.value
        assert.ok(found !== undefined && Buffer.from(value as string).equals(found), 'the value is the one that was written')
      }
    })
  }

  test('write: takes the largest value of control characters, alone', async () => {
    await client.write({ Set: { key: 'k', value: '\0'.repeat(MAX_VALUE_SIZE) } })
    assert.equal((await client.read('k'))?.value.length, MAX_VALUE_SIZE)
  })

  test('write: of text that is too large for a command is refused as that', async () => {
    const pairs = Array.from({ length: 12 }, (_, i) => [`k${i}`, 'a'.repeat(MAX_VALUE_SIZE)] as const)
    await assert.rejects(client.write({ SetMulti: { pairs } }), { name: 'AspenError', code: 'COMMAND_TOO_LARGE' })
  })

  test('write: of what is no command is refused as a node refuses it', async () => {
    const wrong: unknown[] = [{}, { Swap: { key: 'k' } }, { Txn: { compare: [], then: [{}] } }]
    for (const command of wrong) {
      const refusals: unknown[] = []
      for (const store of [client, fixture.cluster]) {
        const error: unknown = await store.write(command as WriteCommand).catch((reason: unknown) => reason)
        assert.ok(error instanceof AspenError, `${JSON.stringify(command)}: ${String(error)}`)
        refusals.push([error.code, error.message])
      }
      assert.deepEqual(refusals[0], refusals[1])
    }
  })
})
