import { test } from 'node:test'
import { floodFrames } from './frames-flood.ts'
import { floodHandshake } from './handshake-flood.ts'

test('FrameDecoder, decodeHandshake: read or refuse, however damaged and cut', (context) => floodFrames(context, 5_000))

test('acceptHandshake: makes no link with who proves nothing', (context) => floodHandshake(context, 4_000))
