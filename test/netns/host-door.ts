/**
 * Runs on a host in place of an init: the host is there as long as this program. What is said to the socket `FOLDER/PORT` on the disk, which
 * hosts share, is said to that port of loopback here, whatever becomes of the host's network.
 *
 *     node host-door.ts FOLDER PORT...
 */
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

// With whoever started it, however that ended.
process.stdin.on('end', () => process.exit()).resume()

const [folder = '', ...ports] = process.argv.slice(2)

for (const port of ports) {
  createServer((outside) => {
    const inside = connect({ host: '127.0.0.1', port: Number(port) })
    outside.pipe(inside).pipe(outside)
    outside.on('error', () => inside.destroy())
    inside.on('error', () => outside.destroy())
  }).listen(join(folder, port))
}
