/** Why a node was not reached, in words that say what to do where the code alone would not. */

const ADVICE: Readonly<Record<string, string>> = {
  EPROTO: 'what answers there speaks no TLS: is its address http://?',
  ECONNRESET: 'it cut the connection: is its address https://?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted: give it as "ca", or by NODE_EXTRA_CA_CERTS=FILE',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted: give that of its authority as "ca", or by NODE_EXTRA_CA_CERTS=FILE',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is not trusted: give that of its authority as "ca", or by NODE_EXTRA_CA_CERTS=FILE',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is not trusted: give that of its authority as "ca", or by NODE_EXTRA_CA_CERTS=FILE',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names and addresses',
  CERT_HAS_EXPIRED: 'its certificate has expired',
}

/** `secured`: it was asked over TLS. */
export function failureWords({ code, message }: Error & { readonly code?: string }, secured: boolean): string {
  if (code === undefined) return message
  // A node that was asked by TLS and cut the connection has another reason.
  if (code === 'ECONNRESET' && secured) return code
  return Object.hasOwn(ADVICE, code) ? `${code}: ${ADVICE[code]}` : code
}
