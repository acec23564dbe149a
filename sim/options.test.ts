import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions, UsageError } from './options.ts'
import { DEFAULT_SETTINGS, toArguments } from './settings.ts'
import { TROUBLES } from './weather.ts'

function refused(...args: readonly string[]): string {
  try {
    parseOptions(args)
  } catch (error) {
    assert.ok(error instanceof UsageError)
    assert.equal(error.message.includes('\n'), false, 'one line')
    return error.message
  }
  return assert.fail(`accepted ${args.join(' ')}`)
}

test('parseOptions: reads one run, several, and a replay', () => {
  assert.deepEqual(parseOptions(['--seed', '123', '--nodes', '5', '--profile', 'lite']), {
    mode: 'run',
    settings: { ...DEFAULT_SETTINGS, seed: 123, nodes: 5, profile: 'lite' },
    seeds: 1,
    twice: false,
    jobs: 1,
    trace: false,
    shrink: false,
    artifacts: null,
  })
  const several = parseOptions(['--seed', '1000', '--seeds', '500', '--twice'])
  assert.ok(several.mode === 'run' && several.seeds === 500 && several.twice)
  assert.deepEqual(parseOptions(['--replay', 'x.json', '--trace']), {
    mode: 'replay',
    file: 'x.json',
    trace: true,
    shrink: false,
    artifacts: null,
  })
  const elsewhere = parseOptions(['--replay', 'x.json', '--artifacts', 'failures'])
  assert.ok(elsewhere.mode === 'replay' && elsewhere.artifacts === 'failures')
  assert.deepEqual(parseOptions(['-h']), { mode: 'help' })
})

test('parseOptions: refuses in one line what makes no sense', () => {
  assert.match(refused(), /give a --seed/)
  assert.match(refused('--seed', '12x'), /--seed is 12x: give a whole number/)
  assert.match(refused('--seed=-1'), /--seed is -1/)
  assert.match(refused('--seed', '1e3'), /--seed is 1e3/)
  assert.match(refused('--seed', '9007199254740993'), /--seed is 9007199254740993/)
  assert.match(refused('--seed', '1', '--seeds', '0'), /--seeds is 0/)
  assert.match(refused('--seed', '1', '--nodes', '10'), /--nodes is 10: give a whole number from 1 to 9/)
  assert.match(refused('--seed', '1', '--profile', 'storm'), /there is no profile storm: choose one of lite, performance, swarm/)
  assert.match(refused('--seed', '1', '--sede', '2'), /Unknown option '--sede'/)
  assert.match(refused('--seed', '1', '--seeds', '2', '--trace'), /--trace shows one run/)
  assert.match(refused('--replay', 'x.json', '--seed', '1'), /leave out --seed/)
})

test('parseOptions: refuses to leave out what is no kind of trouble, and lists those there are', () => {
  for (const name of ['network', 'founders', 'Killed', '', 'killed,,partition']) {
    assert.match(
      refused('--seed', '1', '--calm', name),
      /^--calm .*: there is no trouble ".*": choose from killed, powerCut, .*retry/,
    )
  }
  assert.match(refused('--seed', '1', '--calm', 'killed,disk,network'), /there is no trouble "disk", "network": choose from/)
  for (const trouble of TROUBLES) {
    const command = parseOptions(['--seed', '1', '--calm', trouble])
    assert.ok(command.mode === 'run')
    assert.deepEqual(command.settings.calm, [trouble])
  }
})

test('toArguments: names settings so that parseOptions reads them back', () => {
  const settings = { seed: 7, profile: 'swarm', nodes: 3, clients: 2, faultsMs: 900, calm: ['killed', 'partition'] } as const
  const command = parseOptions(toArguments(settings).split(' '))
  assert.ok(command.mode === 'run')
  assert.deepEqual(command.settings, settings)
})
