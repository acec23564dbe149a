import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutputChannel } from './output-channel.ts'

/** A reader with room for some bytes, who can make more, or be gone. */
class Reader {
  room = Infinity
  gone = false
  text = ''

  readonly take = (bytes: Uint8Array): number => {
    if (this.gone) throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    const taken = Math.min(this.room, bytes.length)
    this.room -= taken
    this.text += Buffer.from(bytes.subarray(0, taken)).toString()
    return taken
  }
}

function channelTo(reader: Reader): { readonly channel: OutputChannel; readonly dropped: () => number; readonly said: number[] } {
  const channel = new OutputChannel(reader.take)
  const said: number[] = []
  let dropped = 0
  channel.onDrop(() => dropped++)
  channel.onFlowing((lines) => {
    said.push(lines)
    channel.write(`${lines} dropped\n`)
  })
  return { channel, dropped: () => dropped, said }
}

const LINE = `${'x'.repeat(1023)}\n`

test('OutputChannel: writes before the call returns while the reader keeps up', () => {
  const reader = new Reader()
  const { channel } = channelTo(reader)
  channel.write('one\n')
  channel.write('two\n')
  assert.equal(reader.text, 'one\ntwo\n')
})

test('OutputChannel: keeps lines in order for a slow reader, drops what finds no room, and says how many once it flows', () => {
  const reader = new Reader()
  const { channel, dropped, said } = channelTo(reader)
  reader.room = 1_500
  for (let i = 0; i < 3_000; i++) channel.write(LINE)
  const lost = dropped()
  // 1 MiB waits, and a line and a half have left.
  assert(lost >= 3_000 - 1_026 && lost < 3_000 - 1_024, String(lost))
  assert.deepEqual(said, [])
  reader.room = Infinity
  channel.flush(0)
  assert.deepEqual(said, [lost])
  assert.equal(reader.text, LINE.repeat(3_000 - lost) + `${lost} dropped\n`)
})

test('OutputChannel: drops and counts for a reader who is gone, and finds the next one', () => {
  const reader = new Reader()
  const { channel, dropped } = channelTo(reader)
  reader.gone = true
  for (let i = 0; i < 5; i++) channel.write(LINE)
  assert.equal(dropped(), 5)
  reader.gone = false
  channel.write('back\n')
  assert.equal(reader.text, 'back\n5 dropped\n')
})

test('OutputChannel: takes one line that is longer than what may wait', () => {
  const reader = new Reader()
  const { channel, dropped } = channelTo(reader)
  reader.room = 0
  const long = `${'y'.repeat(3 * 1024 * 1024)}\n`
  channel.write(long)
  channel.write('next\n')
  reader.room = Infinity
  channel.flush(0)
  assert.equal(dropped(), 1)
  assert.equal(reader.text, `${long}1 dropped\n`)
})

test('OutputChannel: gives up at the end of its grace when nobody reads', () => {
  const reader = new Reader()
  const { channel } = channelTo(reader)
  reader.room = 0
  channel.write(LINE)
  channel.flush(10)
  assert.equal(reader.text, '')
})
