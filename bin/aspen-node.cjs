#!/usr/bin/env node
'use strict'
// Old syntax throughout: the Node that runs this file may be too old for the rest of the package, and should say so.
const needed = 26
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    'aspen-node: this needs Node.js ' +
      needed +
      ' or newer, and ' +
      process.execPath +
      ' is ' +
      process.versions.node +
      '.\nInstall a newer one, or add it to your project with `npm install node@' +
      needed +
      '` and run `npx aspen-node`.\n',
  )
  process.exit(1)
}
import('../dist/bin/aspen-node.js').catch(function (error) {
  process.stderr.write('aspen-node: ' + (error && error.stack ? error.stack : error) + '\n')
  process.exit(70)
})
