import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLevel } from '../ports/index.ts'
import type { LogFormat } from './config/index.ts'
import { createLogger } from './logger.ts'
import { OutputChannel } from './output/index.ts'

const SECRET = 'hush-hush'

function channelTo(lines: string[], isTerminal = false): OutputChannel {
  return new OutputChannel((bytes) => {
    lines.push(Buffer.from(bytes).toString())
    return bytes.length
  }, isTerminal)
}

function logTo(lines: string[], level: LogLevel = 'info', format: LogFormat = 'json'): ReturnType<typeof createLogger> {
  return createLogger({ level, format, nodeId: 7, destination: channelTo(lines) })
}

function written(write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  const lines: string[] = []
  write(logTo(lines))
  assert.equal(lines.length, 1)
  return JSON.parse(lines[0]!) as Record<string, unknown>
}

test('createLogger: writes one JSON line with time, level, node id, message and facts', () => {
  const line = written((logger) => logger.log('warn', 'disk is slow', { latencyMs: 80 }))
  assert.deepEqual({ ...line, time: '' }, { level: 'warn', time: '', node_id: 7, latencyMs: 80, msg: 'disk is slow' })
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

test('createLogger: leaves out what is less severe than its level', () => {
  const lines: string[] = []
  const logger = logTo(lines, 'error')
  for (const level of ['trace', 'debug', 'info', 'warn'] as const) logger.log(level, 'quiet', { some: 'fact' })
  assert.deepEqual(lines, [])
  for (const level of ['error', 'fatal'] as const) logger.log(level, 'loud')
  assert.equal(lines.length, 2)
})

test('createLogger: keeps facts from hiding what a line says of itself', () => {
  const line = written((logger) => logger.log('info', 'elected', { level: 'high', msg: 'no', node_id: 2, time: 0 }))
  assert.equal(line.level, 'info')
  assert.equal(line.msg, 'elected')
  assert.equal(line.node_id, 7)
  assert.deepEqual([line.fact_level, line.fact_msg, line.fact_node_id, line.fact_time], ['high', 'no', 2, 0])
})

test('createLogger: spells errors out with code, stack and cause', () => {
  const error = Object.assign(new Error('write failed', { cause: new Error('disk full') }), { code: 'ENOSPC' })
  const line = written((logger) => logger.log('error', 'poisoned', { error }))
  const { stack, cause, ...rest } = line.error as { stack: string; cause: { message: string } }
  assert.deepEqual(rest, { name: 'Error', message: 'write failed', code: 'ENOSPC' })
  assert.match(stack, /logger\.test\.ts/)
  assert.equal(cause.message, 'disk full')
})

test('createLogger: never writes a cookie or a token', () => {
  for (const format of ['json', 'pretty'] as const) {
    const lines: string[] = []
    const facts = {
      cookie: SECRET,
      config: { cookie: SECRET, httpToken: SECRET },
      headers: { authorization: SECRET },
      token: SECRET,
    }
    logTo(lines, 'info', format).log('info', 'configuration', facts)
    assert.equal(lines.length, 1)
    assert(!lines.join('').includes(SECRET), lines.join(''))
  }
})

test('createLogger: writes lines for people when asked', () => {
  const lines: string[] = []
  logTo(lines, 'info', 'pretty').log('info', 'is leader', { term: 3 })
  assert.match(lines[0]!, /INFO.*node 7: is leader/)
  assert.match(lines[0]!, /term: 3/)
})

/** The one line that is written to a terminal, or elsewhere, when no format is asked for. */
function automatic(isTerminal: boolean): string {
  const lines: string[] = []
  const destination = channelTo(lines, isTerminal)
  createLogger({ level: 'info', format: 'auto', nodeId: 7, destination }).log('warn', 'is leader')
  assert.equal(lines.length, 1)
  return lines.join('')
}

test('createLogger: writes for people, with a date, on a terminal, and JSON elsewhere', () => {
  assert.match(automatic(true), /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}.*is leader/)
  assert.equal((JSON.parse(automatic(false)) as { msg: string }).msg, 'is leader')
})

test('createLogger: colours a terminal unless NO_COLOR is set or it knows none', (t) => {
  const before = { NO_COLOR: process.env.NO_COLOR, TERM: process.env.TERM }
  const set = (values: Readonly<Record<string, string | undefined>>): void => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  t.after(() => set(before))
  const escape = String.fromCodePoint(27)
  set({ NO_COLOR: '', TERM: 'xterm' })
  assert(automatic(true).includes(escape))
  set({ NO_COLOR: '1' })
  assert(!automatic(true).includes(escape))
  set({ NO_COLOR: undefined, TERM: 'dumb' })
  assert(!automatic(true).includes(escape))
})

test('createLogger: says how many lines were dropped once they flow again', () => {
  let gone = true
  const lines: string[] = []
  const destination = new OutputChannel((bytes) => {
    if (gone) throw new Error('write EPIPE')
    return lines.push(Buffer.from(bytes).toString()) && bytes.length
  })
  const logger = createLogger({ level: 'info', format: 'json', nodeId: 7, destination })
  for (let i = 0; i < 3; i++) logger.log('info', 'to nobody')
  gone = false
  logger.log('info', 'to somebody')
  const [first, second] = lines.map((line) => JSON.parse(line) as { msg: string; dropped?: number })
  assert.equal(first?.msg, 'to somebody')
  assert.equal(second?.dropped, 3)
})
