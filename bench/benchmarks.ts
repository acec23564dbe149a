/** Every benchmark by the name it is selected with, from the inside out. */
import { benchmarkActors } from './actors/benchmark.ts'
import { benchmarkApply } from './apply.ts'
import { benchmarkClient } from './client.ts'
import { benchmarkCluster } from './cluster.ts'
import { benchmarkCodec } from './codec.ts'
import { benchmarkCore } from './core.ts'
import { benchmarkHttp } from './http.ts'
import { benchmarkIroh } from './iroh.ts'
import { benchmarkLink } from './link.ts'
import { benchmarkLog } from './log.ts'
import type { Benchmark } from './measure.ts'
import { benchmarkNode } from './node.ts'
import { benchmarkRemoteActors } from './remote-actors.ts'

export const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ['core', benchmarkCore],
  ['codec', benchmarkCodec],
  ['log', benchmarkLog],
  ['apply', benchmarkApply],
  ['http', benchmarkHttp],
  ['actors', benchmarkActors],
  ['link', benchmarkLink],
  ['remote-actors', benchmarkRemoteActors],
  ['node', benchmarkNode],
  ['client', benchmarkClient],
  ['cluster', benchmarkCluster],
  ['iroh', benchmarkIroh],
])
