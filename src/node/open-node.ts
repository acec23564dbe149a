import type { Reply } from '../replica/index.ts'
import { Incarnation } from './incarnation.ts'
import type { NodePorts, NodeSettings } from './node-ports.ts'
import { NodeServer, surround } from './node-server.ts'

/**
 * Puts a node together: the one place that does. It is not started yet. `reply` may come before this returns. What was opened on
 * the way to an error is closed again; the ports are the caller's.
 */
export function openNode(ports: NodePorts, settings: NodeSettings, reply: Reply<NodeServer>): void {
  let surroundings: ReturnType<typeof surround>
  try {
    surroundings = surround(ports, settings)
  } catch (error) {
    reply(error as Error)
    return
  }
  Incarnation.open({ ports, settings, events: surroundings.events }, (error, incarnation) => {
    if (incarnation === undefined) reply(error ?? new Error('the replica was not opened'))
    else reply(undefined, new NodeServer(ports, settings, surroundings, incarnation))
  })
}
