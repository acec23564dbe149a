import { ActorError } from '../actor-error.ts'
import { Call, sayLate } from '../call.ts'
import type { Cell } from '../cell.ts'
import { contentFor } from '../elsewhere.ts'
import { decodePlainData, encodePlainData, PlainDataError } from '../plain-data/index.ts'
import type { Runtime } from '../runtime.ts'
import type { LifeEvent, Watch } from '../target.ts'
import { NamedLives } from './named-lives.ts'
import type { Route } from './route.ts'

/** A call of this node to itself: its answer is a copy too. */
class CopyingCall extends Call {
  override answer(value: unknown): void {
    if (this.settled) return
    let copy: unknown
    try {
      copy = decodePlainData(encodePlainData(value, 'answer'))
    } catch (error) {
      if (!(error instanceof PlainDataError)) throw error
      return this.refuse(new ActorError('UNSENDABLE', error.message, { begun: true }))
    }
    super.answer(copy)
  }
}

/** To the named actors of this node itself, as if they were on another one. */
export class Loopback implements Route {
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  trySend(name: string, message: string, body: Uint8Array): boolean {
    const cell = this.#find(name)
    return cell?.offer(message, copyFor(cell, body, false), null) === 'taken'
  }

  cast(name: string, message: string, body: Uint8Array): void {
    const cell = this.#find(name)
    if (cell === undefined) throw nobody(name, message)
    const offered = cell.offer(message, copyFor(cell, body, false), null)
    if (offered !== 'taken') throw cell.refusal(offered, message)
  }

  send(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<void> {
    const cell = this.#find(name)
    return cell === undefined ? Promise.reject(nobody(name, message)) : cell.send(message, copyFor(cell, body, false), timeoutMs)
  }

  call(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<unknown> {
    const cell = this.#find(name)
    if (cell === undefined) return Promise.reject(nobody(name, message))
    const call = new CopyingCall(this.#runtime.deadlines, timeoutMs, (begun) => sayLate(`${message} to ${name}`, begun))
    const offered = cell.offer(message, copyFor(cell, body, true), call)
    if (offered !== 'taken') call.refuse(cell.refusal(offered, message))
    return call.promise
  }

  watch(name: string, told: (event: LifeEvent) => void): Watch {
    let isFirst = true
    return new NamedLives(this.#runtime.names, name, (event) => {
      if (!isFirst || event.type === 'down') told(event)
      isFirst = false
    })
  }

  #find(name: string): Cell | undefined {
    return this.#runtime.names.get(name)
  }
}

function copyFor(cell: Cell, body: Uint8Array, wantsAnswer: boolean): unknown {
  return contentFor(cell, decodePlainData(body), wantsAnswer)
}

function nobody(name: string, message: string): ActorError {
  return new ActorError('DOWN', `no actor is registered as ${name}: ${message} was not handled`)
}
