import { test } from 'node:test'
import { floodHttp } from './http-flood.ts'
import { floodHttpSockets } from './http-sockets-flood.ts'

test('HTTP server: answers as documented and changes nothing it refuses, over 120,000 requests', (context) =>
  floodHttp(context, 120_000))

test('HTTP server: answers or closes, over 8,000 connections', (context) => floodHttpSockets(context, 8_000))
