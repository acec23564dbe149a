/**
 * Tests of iroh run in a network namespace: an iroh endpoint asks the network that it finds itself in for a mapped port (UPnP, NAT-PMP),
 * whatever it is bound to, and its binding has no switch for that.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { testInNamespace as testThere, whyNoNamespaces } from '../netns/in-namespace.ts'

export { runInNamespace } from '../netns/in-namespace.ts'

function hasBinding(): boolean {
  try {
    createRequire(import.meta.url)('@number0/iroh/index.js')
    return true
  } catch {
    return false
  }
}

/** Why iroh cannot be tested here, in words for whoever reads the results; undefined when it can. */
export function whyNotHere(): string | undefined {
  return hasBinding() ? whyNoNamespaces() : 'the binding of iroh is not installed, or not for this platform'
}

/** Runs a file of tests in a namespace. */
export function testInNamespace(file: string, timeoutMs: number): string {
  return testThere(join('test/iroh', file), timeoutMs)
}
