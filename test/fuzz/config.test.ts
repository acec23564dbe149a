import { test } from 'node:test'
import { floodConfig } from './config-flood.ts'

test('loadConfig: gives a sound configuration or a ConfigError, whatever it reads', (context) => floodConfig(context, 5_000))
