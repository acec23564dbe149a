/** Who may ask what over HTTP: tokens with scopes, lines of the audit, and TLS; both are read anew when their files change. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get as getSecure, Agent } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Scope } from '../../src/api/index.ts'
import { AspenNode } from '../../src/cluster/index.ts'
import type { NodeConfig } from '../../src/cluster/index.ts'
import type { Logger } from '../../src/ports/index.ts'
import { eventually, rejectsWith } from '../cluster/nodes.ts'
import { ONE, TWO } from './certificates.ts'
import { connectHttp } from '../../src/client/index.ts'

const TOKENS = { read: 'r'.repeat(22), write: 'w'.repeat(24), admin: 'a'.repeat(32) } as const

interface Line {
  readonly level: string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
}

class Lines implements Logger {
  readonly all: Line[] = []

  log(level: string, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.all.push({ level, message, facts })
  }

  of(message: string): readonly Line[] {
    return this.all.filter((line) => line.message === message)
  }
}

interface Started {
  readonly node: AspenNode
  readonly url: string
  readonly lines: Lines
  readonly folder: string
}

async function start(t: TestContext, settingsOf: (folder: string) => Partial<NodeConfig>): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const lines = new Lines()
  const node = await AspenNode.start(
    {
      nodeId: 1,
      dataDir: join(folder, 'data'),
      enableMdns: false,
      ractorPort: 0,
      heartbeatIntervalMs: 50,
      electionTimeoutMinMs: 200,
      electionTimeoutMaxMs: 400,
      httpAddr: { host: '127.0.0.1', port: 0 },
      ...settingsOf(folder),
    },
    { http: true, logger: lines },
  )
  t.after(() => node.stop())
  await node.init([1])
  return { node, url: node.httpUrl as string, lines, folder }
}

function tokensFile(folder: string, scopes: readonly Scope[] = ['read', 'write', 'admin']): string {
  const path = join(folder, 'tokens')
  const lines = scopes.map((scope) => `of-${scope}  ${scope}\t${TOKENS[scope]}`)
  writeFileSync(`${path}.new`, ['# tokens', '', ...lines, ''].join('\n'), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return path
}

const withTokens = (folder: string): Partial<NodeConfig> => ({ httpTokensFile: tokensFile(folder) })

async function status(url: string, token: string | null, body?: object): Promise<number> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  await response.arrayBuffer()
  return response.status
}

const WRITE = { command: { Set: { key: 'k', value: 'v' } } }

describe('tokens', () => {
  test('each scope allows its own and what is less, and nothing more', async (t) => {
    const { url } = await start(t, withTokens)
    const asked = async (token: string | null): Promise<readonly number[]> => [
      await status(`${url}/node-info`, token),
      await status(`${url}/write`, token, WRITE),
      await status(`${url}/read`, token, { key: 'k' }),
      await status(`${url}/trigger-snapshot`, token, {}),
      await status(`${url}/admin/backup`, token),
      await status(`${url}/health`, token),
    ]
    assert.deepEqual(await asked(TOKENS.admin), [200, 200, 200, 200, 200, 200])
    assert.deepEqual(await asked(TOKENS.write), [200, 200, 200, 403, 403, 200])
    assert.deepEqual(await asked(TOKENS.read), [200, 403, 200, 403, 403, 200])
    assert.deepEqual(await asked(null), [401, 401, 401, 401, 401, 200])
    assert.deepEqual(await asked('x'.repeat(22)), [401, 401, 401, 401, 401, 200])
    const refused = await fetch(`${url}/write`, {
      method: 'POST',
      headers: { authorization: `bearer ${TOKENS.read}`, 'content-type': 'application/json' },
      body: JSON.stringify(WRITE),
    })
    assert.deepEqual(((await refused.json()) as { readonly error: object }).error, {
      code: 'FORBIDDEN',
      message: 'the token of "of-read" has the scope read, and this takes write',
      retryable: false,
      details: { scope: 'read', needs: 'write' },
    })
  })

  test('the one of the settings stays valid beside them, and allows everything', async (t) => {
    const { url, folder } = await start(t, (at) => ({ ...withTokens(at), httpToken: 'short' }))
    assert.equal(await status(`${url}/trigger-snapshot`, 'short', {}), 200)
    assert.equal(await status(`${url}/trigger-snapshot`, TOKENS.admin, {}), 200)
    tokensFile(folder, ['admin'])
    await eventually('the file is read anew', async () => (await status(`${url}/leader`, TOKENS.read)) === 401)
    assert.equal(await status(`${url}/trigger-snapshot`, 'short', {}), 200)
  })

  test('the file is read anew when it changes: who is taken out is refused at once, and one that is broken changes nothing', async (t) => {
    const { url, folder, lines } = await start(t, withTokens)
    assert.equal(await status(`${url}/leader`, TOKENS.read), 200)
    tokensFile(folder, ['admin'])
    await eventually('it is taken out', async () => (await status(`${url}/leader`, TOKENS.read)) === 401)
    assert.equal(await status(`${url}/leader`, TOKENS.admin), 200)
    writeFileSync(join(folder, 'tokens'), `x write ${TOKENS.write}\nbroken`)
    await eventually(
      'it is said',
      () => lines.of('the file of tokens cannot be used: those that were read before stay valid').length === 1,
    )
    assert.deepEqual([await status(`${url}/leader`, TOKENS.admin), await status(`${url}/leader`, TOKENS.write)], [200, 401])
    assert.ok(!JSON.stringify(lines.all).includes(TOKENS.write))
    tokensFile(folder)
    await eventually('it is back', async () => (await status(`${url}/leader`, TOKENS.read)) === 200)
    chmodSync(join(folder, 'tokens'), 0o644)
    writeFileSync(join(folder, 'tokens'), `x write ${TOKENS.write}\n`)
    await eventually('its mode is said', () => lines.of('the file of tokens can be read by others: chmod 600 it').length > 0)
  })

  test('a file that cannot be used is refused at the start, with its line, and no token is repeated', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-test-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'tokens')
    const secret = 's'.repeat(22)
    for (const [content, reason] of [
      ['', /holds no token/],
      ['# nothing\n\n', /holds no token/],
      [`name root ${secret}`, /line 1: the scope of "name" must be one of read, write, admin/],
      [`ok read ${'k'.repeat(22)}\nname read`, /line 2: write "name scope token"/],
      ['name read short', /line 1: the token of "name" must have 22 to 1024/],
      [`name read ${secret} more`, /line 1: write "name scope token"/],
      [`-name read ${secret}`, /line 1: a name is/],
      [`a read ${secret}\na write ${'k'.repeat(22)}`, /the name of "a" is there twice/],
      [`a read ${secret}\nb write ${secret}`, /the token of "b" is there twice/],
    ] as const) {
      writeFileSync(path, content)
      const error = await rejectsToStart(folder, { httpTokensFile: path })
      assert.match(error, reason)
      assert.ok(!error.includes(secret), error)
    }
    assert.match(await rejectsToStart(folder, { httpTokensFile: join(folder, 'none') }), /cannot be read: ENOENT/)
  })
})

async function rejectsToStart(folder: string, settings: Partial<NodeConfig>): Promise<string> {
  const starting = AspenNode.start(
    {
      nodeId: 1,
      dataDir: join(folder, 'data'),
      enableMdns: false,
      ractorPort: 0,
      httpAddr: { host: '127.0.0.1', port: 0 },
      ...settings,
    },
    { http: true },
  )
  const error = await starting.then(
    async (node) => {
      await node.stop()
      assert.fail('it started')
    },
    (reason: unknown) => reason as Error,
  )
  return error.message
}

test('audit: each thing that is asked of an operator is a line: who, from where, what, and what became of it', async (t) => {
  const { url, lines } = await start(t, withTokens)
  const body = { node_id: 9, endpoint_id: 'ab'.repeat(32), addresses: ['127.0.0.1:9'] }
  await status(`${url}/add-peer`, TOKENS.admin, body)
  await status(`${url}/add-peer`, TOKENS.write, body)
  await status(`${url}/add-peer`, null, body)
  await status(`${url}/change-membership`, TOKENS.admin, { members: [] })
  await status(`${url}/write`, TOKENS.write, WRITE)
  await status(`${url}/admin/backup`, TOKENS.admin)
  const seen = lines.of('audit').map(({ facts }) => facts)
  assert.deepEqual(
    seen.map(({ who, request, status: code }) => [who, request, code]),
    [
      ['of-admin', 'POST /add-peer', 200],
      ['of-write', 'POST /add-peer', 403],
      ['nobody', 'POST /add-peer', 401],
      ['of-admin', 'POST /change-membership', 400],
      ['of-admin', 'GET /admin/backup', 200],
    ],
  )
  assert.deepEqual([seen[0]?.['remote'], seen[0]?.['body']], ['127.0.0.1', JSON.stringify(body)])
})

test('audit: where no token is needed, that is said', async (t) => {
  const { url, lines } = await start(t, () => ({}))
  await status(`${url}/trigger-snapshot`, null, {})
  assert.equal(lines.of('audit')[0]?.facts['who'], 'anybody: no token is needed')
})

function keyFiles(folder: string, { cert, key }: typeof ONE): Partial<NodeConfig> {
  const paths = { httpTlsCert: join(folder, 'cert.pem'), httpTlsKey: join(folder, 'key.pem') }
  writeFileSync(paths.httpTlsCert, cert)
  writeFileSync(paths.httpTlsKey, key, { mode: 0o600 })
  return paths
}

/** What a new connection shows. */
async function shownAt(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const subject = socket.getPeerX509Certificate()?.subject ?? ''
  socket.destroy()
  return subject
}

describe('TLS', () => {
  test('serves clients that know the certificate, and not others; plain HTTP gets nowhere', async (t) => {
    const { url } = await start(t, (folder) => keyFiles(folder, ONE))
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
    const client = connectHttp(url, { ca: ONE.cert })
    t.after(() => client.close())
    await client.write({ Set: { key: 'k', value: 'v' } })
    assert.equal(new TextDecoder().decode((await client.read('k'))?.value), 'v')
    const backup = await client.backup()
    backup.close()
    const stranger = connectHttp(url, { ca: TWO.cert, timeoutMs: 1000 })
    t.after(() => stranger.close())
    const error = await rejectsWith('NO_LEADER', stranger.read('k'))
    assert.match(error.message, /DEPTH_ZERO_SELF_SIGNED_CERT|self-signed/)
    const { hostname, port } = new URL(url)
    const plain = connectTcp({ host: hostname, port: Number(port) })
    plain.on('error', () => undefined)
    plain.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(plain, 'close')
    assert.equal(plain.bytesRead < 20, true)
  })

  test('the certificate is read anew when both files fit, and connections that are open go on', async (t) => {
    const { url, folder, lines } = await start(t, (at) => keyFiles(at, ONE))
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ONE.cert })
    t.after(() => agent.destroy())
    const ask = async (): Promise<boolean> => {
      const request = getSecure(`${url}/leader`, { agent })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      response.resume()
      await once(response, 'end')
      return request.reusedSocket
    }
    await ask()
    writeFileSync(join(folder, 'cert.pem'), TWO.cert)
    const said = (): number => lines.of('the certificate of the HTTP API cannot be used: the one from before goes on').length
    await eventually('half of it is refused', () => said() === 1)
    assert.match(await shownAt(url), /aspen test one/)
    writeFileSync(join(folder, 'key.pem'), TWO.key, { mode: 0o600 })
    await eventually('the new one is shown', async () => /aspen test two/.test(await shownAt(url)))
    assert.equal(await ask(), true)
    assert.equal(said(), 1)
  })

  test('what does not fit is refused at the start', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-test-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    assert.match(
      await rejectsToStart(folder, keyFiles(folder, { cert: ONE.cert, key: TWO.key })),
      /the key is not that of the certificate/,
    )
    assert.match(await rejectsToStart(folder, keyFiles(folder, { cert: 'x', key: TWO.key })), /cannot be used/)
    assert.match(await rejectsToStart(folder, { httpTlsCert: join(folder, 'cert.pem') }), /belong together/)
    const missing = { httpTlsCert: join(folder, 'none'), httpTlsKey: join(folder, 'key.pem') }
    assert.match(await rejectsToStart(folder, missing), /cannot be read: ENOENT/)
  })

  test('a node that stops does not wait for those who never finish their handshake', async (t) => {
    const { node, url } = await start(t, (folder) => keyFiles(folder, ONE))
    const { hostname, port } = new URL(url)
    const sockets = Array.from({ length: 20 }, () => connectTcp({ host: hostname, port: Number(port) }))
    for (const socket of sockets) socket.on('error', () => undefined)
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')))
    await node.stop()
    await closed
  })
})
