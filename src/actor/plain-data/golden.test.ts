/** What leaves a process, byte for byte: a change here is another version of the actor protocol. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePlainData, encodePlainData } from './index.ts'

const GOLDEN: readonly (readonly [name: string, value: unknown, hex: string])[] = [
  ['undefined', undefined, '00'],
  ['null', null, '01'],
  ['false', false, '02'],
  ['true', true, '03'],
  ['zero', 0, '0400'],
  ['an integer', 300, '04ac02'],
  ['the largest integer', Number.MAX_SAFE_INTEGER, '04ffffffffffffff0f'],
  ['a negative integer', -1, '0500'],
  ['the smallest integer', -Number.MAX_SAFE_INTEGER, '05feffffffffffff0f'],
  ['negative zero', -0, '060000000000000080'],
  ['a double', 1.5, '06000000000000f83f'],
  ['an integer beyond the safe ones', 2 ** 53, '060000000000004043'],
  ['infinity', Infinity, '06000000000000f07f'],
  ['not a number', NaN, '07'],
  ['the bigint 0', 0n, '0800'],
  ['a bigint', 258n, '08020102'],
  ['the bigint -1', -1n, '0900'],
  ['a negative bigint', -257n, '09020100'],
  ['a string', 'é', '0a02c3a9'],
  ['bytes', Uint8Array.of(9, 8), '0b020908'],
  ['a date', new Date(1000), '0c04e807'],
  ['a date before 1970', new Date(-1), '0c0500'],
  ['a date that is none', new Date(NaN), '0c07'],
  ['an array', [1, []], '0d0204010d00'],
  ['an object', { b: 1, a: undefined }, '0e020162040101' + '6100'],
  ['an object with indices', { x: null, 2: null, 1: null }, '0e03' + '013101' + '013201' + '017801'],
  ['a map', new Map([[1, 'x']]), '0f0104010a0178'],
  ['a set', new Set([null]), '100101'],
]

for (const [name, value, hex] of GOLDEN)
  test(`golden bytes: ${name}`, () => {
    assert.equal(encodePlainData(value).toHex(), hex)
    assert.deepEqual(decodePlainData(Uint8Array.fromHex(hex)), value)
  })
