/** A log as a plain array: obviously right, and nothing more. */
import assert from 'node:assert/strict'
import type { LogBatch, LogStore } from '../../src/ports/index.ts'
import type { Entry, HardState, LogId } from '../../src/raft/index.ts'
import { plain, read } from './log-store.ts'

export interface LogModel {
  readonly clusterId: string | null
  readonly hardState: HardState
  readonly purged: LogId
  readonly entries: readonly Entry[]
}

export const EMPTY_MODEL: LogModel = {
  clusterId: null,
  hardState: { term: 0, votedFor: null },
  purged: { term: 0, index: 0 },
  entries: [],
}

export function lastIndex(model: LogModel): number {
  return model.purged.index + model.entries.length
}

export function applyBatch(model: LogModel, batch: LogBatch): LogModel {
  const kept = batch.truncateFrom === undefined ? model.entries.length : Math.max(0, batch.truncateFrom - model.purged.index - 1)
  return {
    clusterId: batch.clusterId ?? model.clusterId,
    hardState: batch.hardState ?? model.hardState,
    purged: model.purged,
    entries: [...model.entries.slice(0, kept), ...batch.entries],
  }
}

export function applyPurge(model: LogModel, index: number): LogModel {
  const count = index - model.purged.index
  const last = model.entries[count - 1]
  if (last === undefined) return model
  return { ...model, purged: { term: last.term, index: last.index }, entries: model.entries.slice(count) }
}

/** The model of what an opened log recovered, with the entries it reads. */
export async function modelOf(log: LogStore): Promise<LogModel> {
  const { clusterId, hardState, purged, entries, memberships } = log.recovered
  const last = purged.index + entries.length
  const found = entries.length === 0 ? [] : await read(log, purged.index + 1, last)
  assert.deepEqual(
    entries.map((meta) => ({ ...meta })),
    found.map(({ index, term, kind, payload }) => ({ index, term, kind, size: payload.length })),
  )
  assert.deepEqual(plain(memberships), plain(found.filter(({ kind }) => kind === 'membership')))
  return { clusterId, hardState, purged, entries: found }
}

/** One line that is equal for equal models. */
export function fingerprint({ clusterId, hardState, purged, entries }: LogModel): string {
  return JSON.stringify([clusterId, hardState.term, hardState.votedFor, purged.term, purged.index, plain(entries)])
}
