import { assert } from '../../lib/index.ts'
import type { Reply } from '../options.ts'

/** Somebody who has asked, and is answered once: a second answer would contradict the first. */
export class Asked<T> {
  #answered = false
  readonly #reply: Reply<T>

  constructor(reply: Reply<T>) {
    this.#reply = reply
  }

  get answered(): boolean {
    return this.#answered
  }

  readonly answer: Reply<T> = (error, value) => {
    assert(!this.#answered, 'a request was answered twice')
    this.#answered = true
    this.#reply(error, value)
  }
}
