import { test } from 'node:test'
import { floodConfig } from './config-flood.ts'
import { volume } from '../volume.ts'

test('loadConfig: gives a sound configuration or a ConfigError, whatever it reads', (context) =>
  floodConfig(context, volume(5_000, 2_000)))
