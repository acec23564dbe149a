import { test } from 'node:test'
import { floodConfig } from './config-flood.ts'

test('loadConfig: gives a sound configuration or a ConfigError, over 150,000 inputs', (context) => floodConfig(context, 150_000))
