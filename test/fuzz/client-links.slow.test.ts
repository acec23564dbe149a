import { test } from 'node:test'
import { floodClientLinks } from './client-links-flood.ts'

test('a node that serves clients: answers every request that has a number, over 100,000 of them, most of them damaged', (context) =>
  floodClientLinks(context, 100_000))
