import { fail } from './assert.ts'

/** A growable ring: push and pop at both ends and read by position, all in constant time. */
export class Deque<T> {
  #items: (T | undefined)[] = Array.from({ length: 16 })
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  at(position: number): T | undefined {
    if (position < 0 || position >= this.#length) return undefined
    return this.#items[(this.#head + position) & (this.#items.length - 1)]
  }

  /** `count` items from `position` on, all of which are there. */
  slice(position: number, count: number): T[] {
    const items: T[] = []
    for (let i = position; i < position + count; i++) items.push(this.at(i) as T)
    return items
  }

  set(position: number, item: T): void {
    if (!(position >= 0 && position < this.#length)) fail(`deque position ${position} of ${this.#length}`)
    this.#items[(this.#head + position) & (this.#items.length - 1)] = item
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  pop(): T | undefined {
    if (this.#length === 0) return undefined
    this.#length--
    const slot = (this.#head + this.#length) & (this.#items.length - 1)
    const item = this.#items[slot]
    this.#items[slot] = undefined
    return item
  }

  clear(): void {
    this.#items = Array.from({ length: 16 })
    this.#head = 0
    this.#length = 0
  }

  #grow(): void {
    const items: (T | undefined)[] = Array.from({ length: this.#items.length * 2 })
    for (let i = 0; i < this.#length; i++) items[i] = this.at(i)
    this.#items = items
    this.#head = 0
  }
}
