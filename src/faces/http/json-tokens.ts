/**
 * How many values a JSON text holds, counted before any of them is made: 16 MiB of `[{},{},...]` are five million objects
 * and seconds of work, for a body that no route takes.
 */
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const BRACKET = 0x5b
const BRACE = 0x7b

/** Counts what opens or goes on outside of strings, over the pieces of one text. */
export class JsonTokens {
  #count = 0
  #inString = false
  #escaped = false

  /** Members, elements, arrays and objects so far; never fewer than the text has values, short of one. */
  get count(): number {
    return this.#count
  }

  add(bytes: Uint8Array): void {
    let [count, inString, escaped] = [this.#count, this.#inString, this.#escaped]
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === COMMA || byte === COLON || byte === BRACKET || byte === BRACE) count++
    }
    this.#count = count
    this.#inString = inString
    this.#escaped = escaped
  }
}
