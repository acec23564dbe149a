/**
 * Maps ports of the host that it runs on to those of others, as a router, a container runtime or a tunnel does in user space: whoever is at the
 * far end sees this host's address, never the caller's.
 *
 *     node port-mapper.ts FROM_HOST:PORT=TO_HOST:PORT...
 */
import { connect, createServer } from 'node:net'

function split(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}

const mappings = process.argv.slice(2).map((mapping) => mapping.split('=') as [string, string])
let missing = mappings.length

for (const [from, to] of mappings) {
  createServer((caller) => {
    const callee = connect(split(to))
    caller.pipe(callee).pipe(caller)
    caller.on('error', () => callee.destroy()).on('close', () => callee.destroy())
    callee.on('error', () => caller.destroy()).on('close', () => caller.destroy())
  }).listen(split(from), () => {
    missing--
    if (missing === 0) console.log('mapping')
  })
}
