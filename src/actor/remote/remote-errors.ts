import { ActorError } from '../actor-error.ts'
import type { ActorErrorCode } from '../actor-error.ts'
import { sayLate } from '../call.ts'

/** What a caller can do about it, of a message that was not begun; and of one that was. */
const ADVICE = {
  OVERLOADED: ['send it later, or fewer at a time', 'have fewer answers under way at a time, or smaller ones'],
  DOWN: ['monitor it, and send when it is up', 'monitor it, and send when it is up'],
  CRASHED: ['it may be sent again', 'it may have been done: send again only what may be done twice'],
  DEADLINE_EXCEEDED: ['it may be sent again, with more time', 'send again only what may be done twice, with more time'],
  UNKNOWN_MESSAGE: [
    'see that both nodes run the same version of the program',
    'see that both nodes run the same version of the program',
  ],
  UNREACHABLE: [
    'ask another node, or monitor it and send when it is up',
    'it may have been done: send again only what may be done twice',
  ],
} as const satisfies Partial<Record<ActorErrorCode, readonly [notBegun: string, begun: string]>>

/** Which message it is, and whose: the name and the node are what its sender knows of the actor. */
export function sayRemote(message: string, name: string, node: string): string {
  return `${message} to ${name} of ${node}`
}

/** @param what as `sayRemote` has it */
export function remoteError(code: ActorErrorCode, what: string, words: string, begun = false): ActorError {
  const advices: Partial<Record<ActorErrorCode, readonly [notBegun: string, begun: string]>> = ADVICE
  const advice = advices[code]?.[begun ? 1 : 0]
  return new ActorError(code, `${what}: ${words}${advice === undefined ? '' : `; ${advice}`}`, { begun })
}

/** What the deadline of a call is missed with. */
export function sayRemoteLate(what: string, begun: boolean): string {
  return `${sayLate(what, begun)}; ${ADVICE.DEADLINE_EXCEEDED[begun ? 1 : 0]}`
}

/** Words about an actor under the name by which the other node knows it: where it stands in this one is none of its business. */
export function underName(words: string, path: string, name: string): string {
  const at = words.indexOf(path)
  if (at < 0) return words
  const rest = words.slice(at + path.length)
  // Of a path that only begins so another actor is meant.
  return rest === '' || ' :,'.includes(rest.charAt(0)) ? words.slice(0, at) + name + rest : words
}
