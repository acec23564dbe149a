'use strict'
// Preloaded by every script of package.json. It is plain CommonJS so that an old Node can still run it and say what is wrong.
const needed = 26
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    `aspen: this needs Node.js ${needed} or newer, and ${process.execPath} is ${process.versions.node}.\n` +
      'The checkout brings its own: run `npm install` (without --ignore-scripts), then start things through `npm run`.\n',
  )
  process.exit(1)
}
