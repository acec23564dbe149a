/** What bodies have in common that ask for something of the members. */
import type { MembershipCondition, RequestOptions } from '../../api/index.ts'

export interface TimeoutBody {
  readonly timeout_ms?: number
}

export interface ConditionBody {
  readonly if_members?: readonly number[]
  readonly if_index?: number
}

export function options(body: TimeoutBody | null | undefined): RequestOptions {
  return body?.timeout_ms === undefined ? {} : { timeoutMs: body.timeout_ms }
}

export function conditionOf({ if_members: ifMembers, if_index: ifIndex }: ConditionBody): MembershipCondition {
  return { ...(ifMembers === undefined ? {} : { ifMembers }), ...(ifIndex === undefined ? {} : { ifIndex }) }
}
