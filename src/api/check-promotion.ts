import { checkNodeId } from './check-node-ids.ts'
import { checkCondition, CONDITION } from './check-membership.ts'
import { checked, givenChoice, givenFields } from './given.ts'
import type { PromoteLearnerRequest } from './member-admin.ts'

/** A promotion, in a copy. @throws AspenError INVALID_REQUEST */
export function checkPromotion(request: unknown): PromoteLearnerRequest {
  return checked('the promotion', () => {
    const fields = givenFields(request, 'the promotion', ['nodeId', 'replace', 'force', 'dryRun', ...CONDITION])
    const { nodeId, replace, force, dryRun } = fields
    return {
      nodeId: checkNodeId(nodeId, 'node_id'),
      ...(replace === undefined ? {} : { replace: checkNodeId(replace, 'replace') }),
      ...(force === undefined ? {} : { force: givenChoice(force, 'force') }),
      ...(dryRun === undefined ? {} : { dryRun: givenChoice(dryRun, 'dry_run') }),
      ...checkCondition(fields),
    }
  })
}
