/** A copy of the checkout in a temporary folder, into which bugs are planted one at a time. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { plant } from './mutant.ts'
import type { Mutant } from './mutant.ts'

const COPIED = [
  'src',
  'sim',
  'test',
  'bench',
  'tools',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.pure.json',
]

export class Copy {
  readonly folder: string

  /** @param root the checkout, or a copy of it */
  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'aspen-mutants-'))
    for (const name of COPIED) cpSync(join(root, name), join(this.folder, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'))
  }

  /** Runs something while the bug is in the sources, and puts them back. */
  async with<T>(mutant: Mutant, run: () => Promise<T>): Promise<T> {
    const path = join(this.folder, 'src', mutant.file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, plant(source, mutant))
    try {
      return await run()
    } finally {
      writeFileSync(path, source)
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
