/** Bounds in bytes that a few writes of the clients fill: whatever counts wrongly towards one soon stands still, or takes too much. */
import { pick } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { NodeSettings } from '../src/node/index.ts'

export function drawTightBounds(random: Random): NonNullable<NodeSettings['limits']> {
  return {
    send: {
      appendBytes: pick(random, [1, 50, 200]),
      inflightAppends: pick(random, [1, 3, 64]),
      inflightBytes: pick(random, [1, 100, 400]),
    },
    proposalBytes: pick(random, [300, 1_000]),
    forwardedBytes: pick(random, [300, 1_000]),
    writeBytes: pick(random, [1, 100, 400]),
    applyBytes: pick(random, [1, 100, 400]),
    cacheBytes: pick(random, [1, 1_000, 40_000]),
    checkpointBytes: pick(random, [200, 2_000]),
    retainedBytes: pick(random, [1, 500, 5_000]),
    heldBytes: pick(random, [5_000, 20_000]),
  }
}
