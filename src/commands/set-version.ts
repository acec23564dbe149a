/** What an entry of kind 'version' carries: the version that the cluster has from it on. */
import { ByteReader, ByteWriter } from '../lib/index.ts'
import { LaterVersion } from './later-version.ts'
import type { Language } from './language.ts'
import { CLUSTER_VERSION_1, MAX_CLUSTER_VERSION } from './semantics.ts'
import { LANGUAGE } from './version-1.ts'

export function encodeSetVersion(version: number): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(version)
  return writer.finish()
}

/** The version that a program must know to go past such an entry. @throws WireError when it is malformed */
export function setVersionOf(payload: Uint8Array): number {
  const reader = new ByteReader(payload, 'cluster version')
  const version = reader.varintWithin(CLUSTER_VERSION_1, MAX_CLUSTER_VERSION, 'cluster version')
  reader.expectEnd()
  return version
}

/** @throws LaterVersion when a program of this language must stop before it; WireError when it is malformed */
export function decodeSetVersion(payload: Uint8Array, language: Language = LANGUAGE): number {
  const version = setVersionOf(payload)
  if (version > language.version) throw new LaterVersion('the cluster', version, language.version)
  return version
}
