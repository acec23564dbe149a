/** What a later version of the commands is to a program that knows it, and to one that does not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { OperationResult, WriteCommand, WriteResult } from '../../src/api/index.ts'
import {
  answersAtCommit,
  decodeEnvelope,
  decodeWriteResult,
  encodeWrite,
  encodeWriteResult,
  envelopeVersion,
  LaterVersion,
  mostGrowthOf,
  readEnvelope,
  resultFromJson,
  resultToJson,
  stampEnvelope,
  toCommand,
} from '../../src/commands/index.ts'
import type { Language } from '../../src/commands/index.ts'
import type { StateEngine } from '../../src/ports/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { MemoryDisk, openMemoryStateMachine, openSnapshotFiles } from '../../src/storage/index.ts'
import type { SnapshotFiles } from '../../src/storage/index.ts'
import {
  answers,
  CLUSTER_ID,
  LogWriter,
  membershipOf,
  plainState,
  settled,
  transfer,
} from '../contracts/state-machine-fixture.ts'
import { LANGUAGE_2 } from './language-2.ts'

/** The closed types of this program do not have it: a program that did would spell it like any other. */
const spelled = (by: number): WriteCommand =>
  ({ Txn: { compare: [], then: [{ Increment: { key: 'n', by } }] } }) as unknown as WriteCommand
const encode = (by: number): Uint8Array => encodeWrite(spelled(by), {}, LANGUAGE_2)

function open(language?: Language): { machine: StateEngine; snapshots: SnapshotFiles } {
  const defer = (run: () => void): void => void setImmediate(run)
  const snapshots = openSnapshotFiles(new MemoryDisk(defer), { defer })
  const machine = openMemoryStateMachine({ snapshots, volatile: true, defer, ...(language === undefined ? {} : { language }) })
  return { machine, snapshots }
}

function entry(log: LogWriter, payload: Uint8Array): Entry {
  return { index: ++log.index, term: log.term, kind: 'command', payload: stampEnvelope(payload, 1) }
}

const foundIn = (result: WriteResult | null | undefined): unknown => result?.txn?.results

describe('Increment, an operation of version 2', () => {
  test('is written, read, applied and answered where version 2 is known', () => {
    const envelope = encode(5)
    assert.equal(envelopeVersion(envelope), 2)
    assert.equal(answersAtCommit(envelope), false)
    assert.deepEqual(decodeEnvelope(envelope, LANGUAGE_2).command, toCommand(spelled(5), LANGUAGE_2))
    assert.equal(mostGrowthOf(decodeEnvelope(envelope, LANGUAGE_2).command, LANGUAGE_2).keys, 1)
    const { machine } = open(LANGUAGE_2)
    const log = new LogWriter()
    const results = answers(machine, [entry(log, encode(5)), entry(log, encode(7))])
    assert.deepEqual(results.map(foundIn), [[{ type: 'increment', value: 5 }], [{ type: 'increment', value: 12 }]])
    assert.deepEqual([machine.info().revision, machine.info().timeMs], [3, 2])
    const [, second] = results as [WriteResult, WriteResult]
    assert.deepEqual(decodeWriteResult(encodeWriteResult(second, LANGUAGE_2), LANGUAGE_2), second)
    assert.throws(() => decodeWriteResult(encodeWriteResult(second, LANGUAGE_2)), { name: 'LaterVersion', needs: 2 })
  })

  test('has a spelling in JSON, both ways', () => {
    const result = { type: 'increment', value: 12 } as unknown as OperationResult
    const json = resultToJson(result, () => assert.fail('it has no entry'), LANGUAGE_2)
    assert.deepEqual(json, { Increment: { value: 12 } })
    const back = resultFromJson({ Increment: { value: 12 } }, () => assert.fail('it has no entry'), LANGUAGE_2)
    assert.deepEqual(back, result)
    assert.equal(
      resultFromJson({ Increment: { value: 12 } }, () => assert.fail('it has no entry')),
      undefined,
    )
  })

  test('what version 1 could say, version 2 says in the same bytes', () => {
    const set: WriteCommand = { Set: { key: 'k', value: 'v' } }
    assert.deepEqual(encodeWrite(set, {}, LANGUAGE_2), encodeWrite(set, {}))
  })

  test('a program of version 1 does not apply it, says what it needs, and goes on where it is known', async () => {
    const log = new LogWriter()
    const before = [log.membership(membershipOf(1)), log.set('a', '1')]
    const later = [entry(log, encode(5)), log.set('b', '1')]
    const old = open()
    old.machine.apply(before)
    const state = plainState(old.machine)
    assert.throws(
      () => old.machine.apply(later),
      (error) => error instanceof LaterVersion && error.needs === 2,
    )
    assert.deepEqual(plainState(old.machine), state)
    const taken = await settled<NonNullable<ReturnType<SnapshotFiles['newest']>>>((done) =>
      old.machine.takeSnapshot(CLUSTER_ID, done),
    )
    const upgraded = open(LANGUAGE_2)
    await transfer(old.snapshots, upgraded.snapshots, taken)
    await settled((done) => upgraded.machine.restore(taken, done))
    const straight = open(LANGUAGE_2)
    straight.machine.apply(before)
    for (const { machine } of [upgraded, straight]) machine.apply(later)
    assert.deepEqual(plainState(upgraded.machine), plainState(straight.machine))
  })

  test('is not proposed before the cluster has version 2, nor by a program that cannot read it', () => {
    const refused = (run: () => unknown): void =>
      assert.throws(
        run,
        (error) => error instanceof AspenError && error.code === 'CLUSTER_VERSION' && error.details['needs'] === 2,
      )
    refused(() => readEnvelope(encode(5)))
    readEnvelope(encode(5), LANGUAGE_2)
  })

  test('an envelope says the version of what it holds, neither less nor more', () => {
    for (const [version, payload] of [
      [1, encode(5)],
      [2, encodeWrite({ Set: { key: 'k', value: 'v' } }, {})],
    ] as const) {
      const wrong = new Uint8Array(payload)
      wrong[0] = version
      assert.throws(() => decodeEnvelope(wrong, LANGUAGE_2), { name: 'WireError' })
    }
  })
})
