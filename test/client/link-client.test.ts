import { describeStore } from './store-contract.ts'
import { createLinkWorld } from './link-world.ts'

describeStore('connectLink', createLinkWorld)
