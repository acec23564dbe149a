import { test } from 'node:test'
import { floodFrames } from './frames-flood.ts'
import { floodHandshake } from './handshake-flood.ts'
import { volume } from '../volume.ts'

test('FrameDecoder, decodeHandshake: read or refuse, however damaged and cut', (context) =>
  floodFrames(context, volume(5_000, 2_000)))

test('acceptHandshake: makes no link with who proves nothing', (context) => floodHandshake(context, volume(4_000, 1_500)))
