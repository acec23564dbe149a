export { openTls } from './open-tls.ts'
export { openTokens } from './open-tokens.ts'
