import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDescriptorShortage, openAsleep, openPatiently, openWithKept } from './descriptor-shortage.ts'

const refusal = (code: string): Error => Object.assign(new Error(code), { code })

/** Fails so many times, then opens. */
class Opening {
  tries = 0
  readonly open = (): string => {
    this.tries++
    if (this.tries <= this.failures) throw refusal(this.code)
    return 'open'
  }
  readonly failures: number
  readonly code: string

  constructor(failures: number, code = 'EMFILE') {
    this.failures = failures
    this.code = code
  }
}

test('isDescriptorShortage: is about descriptors of the process and of the system, and nothing else', () => {
  assert.deepEqual(
    [refusal('EMFILE'), refusal('ENFILE'), refusal('EIO'), refusal('ENOSPC'), 'EMFILE', undefined].map(isDescriptorShortage),
    [true, true, false, false, false, false],
  )
})

test('isDescriptorShortage: looks at causes, and takes SQLite at its word only where there is none', () => {
  const cannotOpen = Object.assign(new Error('unable to open database file'), { code: 'ERR_SQLITE_ERROR', errcode: 14 })
  const deep = new Error('outer', { cause: new Error('inner', { cause: refusal('ENFILE') }) })
  assert.deepEqual([deep, cannotOpen, new Error('outer', { cause: refusal('EIO') })].map(isDescriptorShortage), [
    true,
    false,
    false,
  ])
})

for (const code of ['EMFILE', 'ENFILE']) {
  test(`openPatiently, openAsleep: try ${code} again until it opens`, async () => {
    const patient = new Opening(3, code)
    const opened = await new Promise((resolve, reject) =>
      openPatiently(patient.open, (error, value) => (error === undefined ? resolve(value) : reject(error))),
    )
    assert.deepEqual([opened, patient.tries], ['open', 4])
    assert.equal(openAsleep(new Opening(2, code).open), 'open')
  })
}

test('openPatiently: ends after so many tries, and opens at once where nothing is short', async () => {
  const never = new Opening(9)
  const error = await new Promise<Error | undefined>((resolve) => openPatiently(never.open, resolve, 3))
  assert.deepEqual([error?.message, never.tries], ['EMFILE', 3])
  const order: string[] = []
  openPatiently(new Opening(0).open, () => order.push('opened'))
  order.push('returned')
  assert.deepEqual(order, ['opened', 'returned'])
})

test('openPatiently, openAsleep, openWithKept: pass on at once whatever else goes wrong', () => {
  for (const open of [openAsleep, openWithKept]) {
    const failing = new Opening(1, 'EIO')
    assert.throws(() => open(failing.open), /EIO/)
    assert.equal(failing.tries, 1)
  }
  const errors: unknown[] = []
  openPatiently(new Opening(1, 'EIO').open, (error) => errors.push(error?.message))
  assert.deepEqual(errors, ['EIO'])
})
