import { SafetyChecker, SafetyViolation } from '../../sim/invariants.ts'

/** What no consequence shows in a run that is short: a leader counts entries of its own term only (paper 5.4.2). */
export class StrictChecker extends SafetyChecker {
  readonly #commits = new Map<number, number>()

  override commits(node: number, index: number, leaderTerm: number | null, termAt: (index: number) => number | undefined): void {
    const before = this.#commits.get(node) ?? 0
    this.#commits.set(node, index)
    if (leaderTerm !== null && index > before && termAt(index) !== leaderTerm) {
      const message = `node ${node} leads term ${leaderTerm} and commits entry ${index} of term ${termAt(index)} by itself`
      throw new SafetyViolation('commit of own term only', message)
    }
    super.commits(node, index, leaderTerm, termAt)
  }
}
