import { networkInterfaces } from 'node:os'
import type { NetworkInterfaceInfo } from 'node:os'

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

let last: Interfaces = {}

/** The interfaces of this machine; those that there were last while the system cannot say, for want of a file descriptor. It never throws. */
export function interfacesNow(look: () => Interfaces = networkInterfaces): Interfaces {
  try {
    last = look()
  } catch {
    // Strangers with open connections can bring that about, and it passes.
  }
  return last
}
