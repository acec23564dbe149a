import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../ports/index.ts'
import { formatAddress } from '../../api/index.ts'
import type { Address } from '../../api/index.ts'

export interface TcpRaceOptions {
  readonly clock: Clock
  /** How long an address may stay silent before the next one is tried beside it. */
  readonly staggerMs: number
  readonly signal: AbortSignal
}

export interface TcpFailure {
  readonly address: Address
  readonly error: Error
}

export interface TcpWinner {
  readonly socket: Socket
  readonly address: Address
}

/**
 * Connects to whichever address answers first: each gets a head start over the next (after RFC 8305), so that an
 * address that swallows packets costs `staggerMs`, not a connect timeout. Resolves with the winner and the
 * failures up to then; without a winner once all have failed. Aborting closes every attempt.
 */
export function raceTcp(
  addresses: readonly Address[],
  options: TcpRaceOptions,
): Promise<{ readonly winner: TcpWinner | undefined; readonly failures: readonly TcpFailure[] }> {
  const { clock, staggerMs, signal } = options
  const { promise, resolve } = Promise.withResolvers<{ winner: TcpWinner | undefined; failures: TcpFailure[] }>()
  const failures: TcpFailure[] = []
  const open = new Set<Socket>()
  let next = 0
  let headStart: Timer | undefined
  let settled = false

  const settle = (winner: TcpWinner | undefined): void => {
    if (settled) return
    settled = true
    headStart?.cancel()
    signal.removeEventListener('abort', abort)
    if (winner !== undefined) open.delete(winner.socket)
    for (const socket of open) socket.destroy()
    resolve({ winner, failures })
  }
  const abort = (): void => settle(undefined)
  const startNext = (): void => {
    headStart?.cancel()
    const address = addresses[next++]
    if (settled || address === undefined) return
    headStart = clock.setTimer(staggerMs, startNext)
    const socket = connect({ host: address.host, port: address.port, noDelay: true })
    open.add(socket)
    const onError = (error: Error): void => {
      open.delete(socket)
      failures.push({ address, error: named(error, address) })
      if (failures.length === addresses.length) settle(undefined)
      else startNext()
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      // The error listener stays until the winner's owner has its own: a reset may already be on its way.
      settle({ socket, address })
    })
  }

  if (signal.aborted || addresses.length === 0) settle(undefined)
  else {
    signal.addEventListener('abort', abort)
    startNext()
  }
  return promise
}

function named(error: Error, address: Address): Error {
  const where = formatAddress(address.host, address.port)
  const { code } = error as NodeJS.ErrnoException
  const message = code === 'ECONNREFUSED' ? `nothing listens at ${where}` : `connecting to ${where} failed: ${error.message}`
  return Object.assign(new Error(message, { cause: error }), { code })
}
