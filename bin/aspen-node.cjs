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
// By default the one opens the inspector's port, and the other ends the process, from the first moment on.
process.on('SIGUSR1', function () {})
process.on('SIGUSR2', function () {})
// Looks up names beside what the log waits for. The pool is made when it is first used, and read from here then.
if (!process.env.UV_THREADPOOL_SIZE) process.env.UV_THREADPOOL_SIZE = '8'
const { existsSync } = require('node:fs')
const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

// A checkout runs its sources: what is compiled there may be older. The package ships no sources.
const source = join(__dirname, '../src/bin/aspen-node.ts')
const program = existsSync(source) ? source : join(__dirname, '../dist/bin/aspen-node.js')
// Compiling (in a checkout: stripping types first) takes half of a start and 25 MB, so what it made is kept. It has to
// be on before the first module is read. A folder that may not be written is no trouble: then it is done every time.
enableCompileCache(join(__dirname, '../node_modules/.cache/aspen'))
import(program).catch(function (error) {
  process.stderr.write('aspen-node: ' + (error && error.stack ? error.stack : error) + '\n')
  process.exit(70)
})
