/** What can be monitored: an actor on this node, or on another one. */

/** Why a life is over, or is not seen any more, for a program to tell apart. */
export type DownReason =
  /** In good order: somebody stopped it, or restarted it. */
  | 'stopped'
  | 'crashed'
  /** It did not stop in time. */
  | 'killed'
  /** It was gone already. */
  | 'gone'
  /** The link to its node is lost: whether it lives is not known. */
  | 'unreachable'

/** What a monitor is told: `down` and `up` in turns; behind a `down` there may be one that is final, and nothing behind that. */
export type LifeEvent =
  | {
      readonly type: 'down'
      readonly reason: DownReason
      /** The reason, for people. */
      readonly words: string
      /** It is gone for good. */
      readonly final: boolean
    }
  | { readonly type: 'up' }

export interface Watch {
  /** Nothing is told from here on. Does nothing the second time. */
  cancel(): void
}

/** For the runtime: how a target says what becomes of it. */
export const watchLives: unique symbol = Symbol('watchLives')

/**
 * What `context.monitor` takes. Its method is called by the runtime alone: `told` runs inside of whatever changes the target, may be called
 * before the method returns (a target without a life is told as down at once), throws nothing, and does nothing but note what it is told.
 */
export interface Target {
  readonly path: string
  [watchLives](told: (event: LifeEvent) => void): Watch
}
