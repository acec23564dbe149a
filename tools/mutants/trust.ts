/** Who may ask what over HTTP. */
import type { Mutant } from './mutant.ts'

const TRUST = 'test/http/trust.test.ts'

export const TRUST_MUTANTS: readonly Mutant[] = [
  {
    name: 'let any token do everything',
    file: 'api/scope.ts',
    find: 'return SCOPES.indexOf(has) >= SCOPES.indexOf(needs)',
    replace: 'return SCOPES.includes(has) && SCOPES.includes(needs)',
    hunter: TRUST,
  },
  {
    name: 'let a token do only what its scope is named after',
    file: 'api/scope.ts',
    find: 'return SCOPES.indexOf(has) >= SCOPES.indexOf(needs)',
    replace: 'return has === needs',
    hunter: TRUST,
  },
  {
    name: 'keep a token that was taken out of its file',
    file: 'faces/http/token-table.ts',
    find: 'this.#entries = tokens.map(({ name, scope, token }) => ({ digest: digestOf(token), holder: { name, scope } }))',
    replace:
      'this.#entries = [...this.#entries, ...tokens.map(({ name, scope, token }) => ({ digest: digestOf(token), holder: { name, scope } }))]',
    hunter: TRUST,
  },
  {
    name: 'forget the token of the settings when the file of tokens changes',
    file: 'cluster/trust/open-tokens.ts',
    find: 'table.replace([...own, ...tokens])',
    replace: 'table.replace(tokens)',
    hunter: TRUST,
  },
  {
    name: 'take a request of an administrator without a line of the audit',
    file: 'faces/http/server.ts',
    find: "...(route.scope === 'admin' ? { onResponse: audited(serving.audit) } : {}),",
    replace: "...(route.scope === 'write' ? { onResponse: audited(serving.audit) } : {}),",
    hunter: TRUST,
  },
  {
    name: 'take a certificate whose key has not come yet',
    file: 'cluster/trust/open-tls.ts',
    find: 'if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))',
    replace: 'if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) && cert === key)',
    hunter: TRUST,
  },
]
