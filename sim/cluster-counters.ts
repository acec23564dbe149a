/** What a run came across. A kind of trouble that is never met is no trouble: the suite demands that all of them are. */
export interface ClusterCounters {
  leaderChanges: number
  splitVotes: number
  longTruncations: number
  jointChangesCutByCrash: number
  conflictingSnapshots: number
  /** Times that a leader had entries for a peer and sent none, because as much as may be was unanswered. */
  fullWindows: number
  snapshotsInstalled: number
  /** Reminders of what former lives of a node had promised, all of it kept. */
  reminders: number
  followerReadsAfterTermChange: number
  clamps: number
  crashes: number
  crashesBetweenEffects: number
  livesWithPurges: number
  pauses: number
  /** Leaders that slept until there was another. */
  oldLeadersWoken: number
  driftingClocks: number
  clockJumps: number
  orderlyStops: number
  /** Replicas that were opened again in a process that lived on. */
  replicaRestarts: number
  replicaFailures: number
  stopsOfLeaders: number
  /** Programs replaced by one of the next version, or of the one before; and what came of it. */
  upgrades: number
  downgrades: number
  versionsRaised: number
  laterCommands: number
  /** Writes and syncs that the disk failed, and writes that found it full. */
  failedWrites: number
  writesWithoutRoom: number
  /** Refused by a leader whose disk is nearly full. */
  writesRefusedForSpace: number
  poisonedNodes: number
  startsOnFailingDisks: number
  flippedBits: number
  /** Starts refused because of flipped bits, and starts that went well in spite of them. */
  refusedStarts: number
  startsDespiteFlips: number
  disksLost: number
  /** States that were made other ones on purpose, and nodes that stopped for that. */
  damagedStates: number
  divergedNodes: number
  membersReplaced: number
  /** At request, to the voter that was named. */
  leadershipsHandedOver: number
  flaps: number
  slowedMessages: number
  queuedMessages: number
  missedHints: number
  linksBrokenOnOneSide: number
  transactionsApplied: number
  transactionsRefused: number
  scans: number
  retriesElsewhere: number
  quotaRefusals: number
  forcedSnapshots: number
  /** Sent by HTTP clients; sent again, by the client or by whoever has it; and calls that nobody knows the outcome of. */
  httpRequests: number
  httpRetries: number
  httpUnknown: number
  /** Writes with an origin that were answered although an earlier attempt had not been. */
  originsRecognised: number
}

export function noCounts(): ClusterCounters {
  return {
    leaderChanges: 0,
    splitVotes: 0,
    longTruncations: 0,
    jointChangesCutByCrash: 0,
    conflictingSnapshots: 0,
    fullWindows: 0,
    snapshotsInstalled: 0,
    reminders: 0,
    followerReadsAfterTermChange: 0,
    clamps: 0,
    crashes: 0,
    crashesBetweenEffects: 0,
    livesWithPurges: 0,
    pauses: 0,
    oldLeadersWoken: 0,
    driftingClocks: 0,
    clockJumps: 0,
    orderlyStops: 0,
    replicaRestarts: 0,
    replicaFailures: 0,
    stopsOfLeaders: 0,
    upgrades: 0,
    downgrades: 0,
    versionsRaised: 0,
    laterCommands: 0,
    failedWrites: 0,
    writesWithoutRoom: 0,
    writesRefusedForSpace: 0,
    poisonedNodes: 0,
    startsOnFailingDisks: 0,
    flippedBits: 0,
    refusedStarts: 0,
    startsDespiteFlips: 0,
    disksLost: 0,
    damagedStates: 0,
    divergedNodes: 0,
    membersReplaced: 0,
    leadershipsHandedOver: 0,
    flaps: 0,
    slowedMessages: 0,
    queuedMessages: 0,
    missedHints: 0,
    linksBrokenOnOneSide: 0,
    transactionsApplied: 0,
    transactionsRefused: 0,
    scans: 0,
    retriesElsewhere: 0,
    quotaRefusals: 0,
    forcedSnapshots: 0,
    httpRequests: 0,
    httpRetries: 0,
    httpUnknown: 0,
    originsRecognised: 0,
  }
}
