/** The first thing that is read of this layer: on an older Node, whatever followed would fail in words that say nothing. */
import process from 'node:process'

const NEEDED = 26

const { node: version } = process.versions
if (Number.parseInt(version, 10) < NEEDED) {
  throw new Error(
    `aspen needs Node.js ${NEEDED} or newer, and ${process.execPath} is ${version}; aspen/client over HTTP runs on Node.js 22 or newer`,
  )
}
