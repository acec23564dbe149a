import { test } from 'node:test'
import { floodHttp } from './http-flood.ts'
import { floodHttpSockets } from './http-sockets-flood.ts'
import { volume } from '../volume.ts'

test('HTTP server: answers as documented and changes nothing it refuses, whatever it is sent', (context) =>
  floodHttp(context, volume(4_000, 2_000)))

test('HTTP server: answers or closes, whatever comes over a connection', (context) => floodHttpSockets(context, volume(300, 100)))
