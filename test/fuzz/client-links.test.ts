import { test } from 'node:test'
import { floodClientLinks } from './client-links-flood.ts'
import { volume } from '../volume.ts'

test('a node that serves clients: answers every request that has a number, and outlives what has none', (context) =>
  floodClientLinks(context, volume(2_000, 700)))
