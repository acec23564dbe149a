/** What to do with a node that cannot use the data it has: the end of an error's message, as a sentence without its full stop. */
export const REJOIN_ADVICE =
  'Where a majority of the voters is up without this node, bring it back with: aspen-node rejoin --via URL_OF_A_MEMBER and the settings ' +
  'of this node. It keeps what is there, makes a new key and fetches everything from the peers'

/** What to do with a node that has no data, and whose cluster knows it: sentences. */
export const LOST_DISK_ADVICE =
  'A member that lost its disk: stop it and run aspen-node rejoin --via URL_OF_A_MEMBER with its settings. POST /init is for a new cluster only'

/** What to do with a node that belongs to no cluster: sentences. */
export const NEWCOMER_ADVICE =
  'A new cluster: POST /init on one of its nodes. A newcomer to a cluster: /add-learner at a member. A member that lost its disk: aspen-node rejoin'
