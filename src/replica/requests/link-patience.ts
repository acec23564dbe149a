/**
 * How long a request waits for the link that it needs: nodes are found within moments, and what is about to be true is no reason for a refusal.
 * A share of its time is left for the change itself, and for the answer, which has the same deadline on the node that handed the request over.
 */
const WAITING_SHARE = 0.8

export function mayWaitForLink(
  { startedAt, deadline }: { readonly startedAt: number; readonly deadline: number },
  now: number,
): boolean {
  return now < startedAt + WAITING_SHARE * (deadline - startedAt)
}
