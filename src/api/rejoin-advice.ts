/** What to do with a node that cannot use the data it has: the end of an error's message, as a sentence without its full stop. */
export const REJOIN_ADVICE =
  'Where a majority of the voters is up without this node, bring it back with: aspen-node rejoin --via URL_OF_A_MEMBER and the settings ' +
  'of this node. It keeps what is there, makes a new key and fetches everything from the peers'
