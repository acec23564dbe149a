import { test } from 'node:test'
import { floodFrames } from './frames-flood.ts'
import { floodHandshake } from './handshake-flood.ts'

test('FrameDecoder, decodeHandshake: read or refuse, over 200,000 inputs', (context) => floodFrames(context, 200_000))

test('acceptHandshake: makes no link with who proves nothing, over 100,000 handshakes', (context) =>
  floodHandshake(context, 100_000))
