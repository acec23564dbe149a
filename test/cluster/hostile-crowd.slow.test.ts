/** Ten thousand connections to a port of a real cluster, one crowd after the other: the cluster does not notice. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from './nodes.ts'
import { cluster, crowd, unnoticed } from './unnoticed.ts'

const CROWD = 500
const CROWDS = 20

test('hostile: 10,000 connections that prove nothing', async (t) => {
  const around = await cluster(t)
  let opened = 0
  await unnoticed(around, async () => {
    const all: Socket[] = []
    for (let i = 0; i < CROWDS; i++) all.push(...(await crowd(t, around.port, CROWD, () => undefined)))
    opened = all.length
    await eventually('all of them are cut', () => all.every(({ closed }) => closed))
  })
  assert.equal(opened, CROWD * CROWDS)
})
