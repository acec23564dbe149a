import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { ConfigError } from '../cluster/config/index.ts'
import { readRecoverArguments } from './recover-arguments.ts'
import { askAt, describeSurvivor } from './recover-program.ts'

test('askAt: gives what is typed; an input that ends is no answer', async () => {
  const asked = async (typed: (input: PassThrough) => void): Promise<{ answer: string; shown: string }> => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const answer = askAt(input, output)('its id? ')
    typed(input)
    return { answer: await answer, shown: String(output.read() ?? '') }
  }
  assert.deepEqual(await asked((input) => input.write('  abc \n')), { answer: 'abc', shown: 'its id? ' })
  assert.equal((await asked((input) => input.end())).answer, '')
})

test('readRecoverArguments: wants the intention, keeps what is the node\u2019s, and refuses what is no id', () => {
  const found = readRecoverArguments(['--from-survivor', '--node-id', '3', '--confirm=ab12cd34', '--even-a-learner'])
  assert.deepEqual(found, { confirm: 'ab12cd34', evenIfOthersRun: false, evenALearner: true, rest: ['--node-id', '3'] })
  for (const argv of [[], ['--confirm', 'ab12cd34'], ['--from-survivor', '--confirm'], ['--from-survivor', '--confirm', 'yes']])
    assert.throws(() => readRecoverArguments(argv), ConfigError)
})

test('describeSurvivor: says what is sure, what is not, what was found, and who is left behind', () => {
  const member = (id: number): { id: number; endpointId: string; addresses: string[] } => ({
    id,
    endpointId: String(id).repeat(64),
    addresses: [],
  })
  const survivor = {
    clusterId: 'c'.repeat(32),
    endpointId: '1'.repeat(64),
    membership: { voters: [1, 2], outgoing: [1, 2, 3], learners: [], members: [1, 2, 3].map(member) },
    term: 9,
    last: { term: 7, index: 100 },
    appliedIndex: 90,
    keys: 5,
    bytes: 50,
    findings: ['a torn tail'],
  }
  const text = describeSurvivor(1, survivor).join('\n')
  assert.match(text, /voters 1, 2, learners none, in the middle of a change from voters 1, 2, 3/)
  assert.match(text, /the log up to entry 100 of term 7, in term 9; 5 keys, 50 bytes/)
  assert.match(text, /found on this disk: a torn tail/)
  assert.match(text, /entries up to 90 are known to be committed; the 10 behind them count too/)
  assert.match(text, /lost for good is what was acknowledged by node 2 and node 3/)
  assert.match(text, /refused from then on: node 2 \(key 2{16}\.\.\.\), node 3/)
  assert.match(describeSurvivor(1, { ...survivor, appliedIndex: 100 }).join('\n'), /all of it was committed/)
})
