/** What is worth doing once, when a node serves: a start leaves things behind that a node may hold on to for days. */
import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives back what the start has needed and nobody needs any more: buffers the log was read into, the young generation
 * that loading modules has made grow. V8 would keep it for want of a reason to collect: about 30 MB. It takes some
 * tens of milliseconds, less than a node may be silent without being missed.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  // The flavour that also returns emptied pages to the system.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Long enough for whoever waits for the node to have had an answer first, in milliseconds. */
const SETTLING_MS = 200

/** To be called once the node serves. */
export function settleAfterStart(): void {
  const settle = (): void => {
    // By default it is written at the exit, which a node that is killed does not come to.
    flushCompileCache()
    collectGarbage()
  }
  setTimeout(settle, SETTLING_MS).unref()
}
