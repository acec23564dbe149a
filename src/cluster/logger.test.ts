import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLevel } from '../ports/index.ts'
import type { LogFormat } from './config/index.ts'
import { createLogger } from './logger.ts'

const SECRET = 'hush-hush'

function logTo(lines: string[], level: LogLevel = 'info', format: LogFormat = 'json'): ReturnType<typeof createLogger> {
  return createLogger({ level, format, nodeId: 7, destination: { write: (line) => void lines.push(line) } })
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
