/** Links of protocols beside that of peers. Apart from the rest, because a client of a cluster carries nothing of what serves one. */
export { ServedLinks } from './served-links.ts'
