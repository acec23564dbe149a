import { ACTOR_THREADS } from './actor-threads.ts'
import { ACTORS } from './actors.ts'
import { BACKUP_MUTANTS } from './backup.ts'
import { BOUNDS } from './bounds.ts'
import { DIGEST } from './digest.ts'
import { DNS_DISCOVERY } from './dns.ts'
import { ELECTION } from './election.ts'
import { FINDING_PEERS } from './finding.ts'
import { GOSSIP } from './gossip.ts'
import { IDENTITY } from './identity.ts'
import { INVARIANTS } from './invariants.ts'
import { LINKS } from './links.ts'
import { MEMBERSHIP } from './membership.ts'
import type { Mutant } from './mutant.ts'
import { NODE_ACTORS } from './node-actors.ts'
import { PATHS } from './paths.ts'
import { PIPELINES } from './pipelines.ts'
import { PKARR } from './pkarr.ts'
import { PROMISES } from './promises.ts'
import { READS } from './reads.ts'
import { RECOVERY } from './recovery.ts'
import { REMOTE_ACTORS } from './remote-actors.ts'
import { REPLICATION } from './replication.ts'
import { REQUESTS } from './requests.ts'
import { SNAPSHOTS } from './snapshots.ts'
import { STORAGE } from './storage.ts'
import { TRUST_MUTANTS } from './trust.ts'
import { VERSIONS } from './versions.ts'

export const MUTANTS: readonly Mutant[] = [
  ...ELECTION,
  ...TRUST_MUTANTS,
  ...BACKUP_MUTANTS,
  ...REPLICATION,
  ...READS,
  ...MEMBERSHIP,
  ...STORAGE,
  ...SNAPSHOTS,
  ...REQUESTS,
  ...IDENTITY,
  ...INVARIANTS,
  ...PROMISES,
  ...LINKS,
  ...PATHS,
  ...VERSIONS,
  ...DIGEST,
  ...BOUNDS,
  ...PIPELINES,
  ...ACTORS,
  ...REMOTE_ACTORS,
  ...ACTOR_THREADS,
  ...NODE_ACTORS,
  ...FINDING_PEERS,
  ...DNS_DISCOVERY,
  ...GOSSIP,
  ...RECOVERY,
  ...PKARR,
]
