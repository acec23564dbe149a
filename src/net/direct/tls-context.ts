import { constants } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import { createCertificate } from './certificate.ts'
import { endpointIdOf } from '../link/index.ts'
import type { NodeIdentity } from '../link/index.ts'

/**
 * One context for both directions: TLS 1.3 only, and no session tickets, because a resumed session does not show
 * the peer's certificate.
 */
export function createLinkContext(identity: NodeIdentity): SecureContext {
  return createSecureContext({
    key: identity.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    cert: createCertificate(identity),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // The first is the cheapest where the processor has AES instructions.
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
}

/** The key that the peer of a fresh TLS session has proven; undefined when it showed none, or none of ours. */
export function provenEndpointId(socket: TLSSocket): string | undefined {
  if (socket.isSessionReused()) return undefined
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : endpointIdOf(certificate.publicKey)
}
