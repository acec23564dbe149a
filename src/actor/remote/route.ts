import type { LifeEvent, Watch } from '../target.ts'

/** How messages come to the named actors of one node. Bodies are encoded. */
export interface Route {
  trySend(name: string, message: string, body: Uint8Array): boolean
  /** @throws ActorError */
  cast(name: string, message: string, body: Uint8Array): void
  send(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<void>
  call(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<unknown>
  watch(name: string, told: (event: LifeEvent) => void): Watch
}
