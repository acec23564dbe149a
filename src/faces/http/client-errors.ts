/** Answers for connections on which no request could be read: too long a header, not HTTP, or too slow. */
import type { Socket } from 'node:net'
import { AspenError } from '../../api/index.ts'
import type { Metrics } from '../../ports/index.ts'
import { rawAnswer } from './error-answers.ts'

interface Refusal {
  readonly status: number
  readonly reason: string
  readonly error: AspenError
}

const HEADERS_TOO_LARGE: Refusal = {
  status: 431,
  reason: 'Request Header Fields Too Large',
  error: new AspenError(
    'HEADERS_TOO_LARGE',
    'the headers are larger than 16 KiB, or too many: each counts for several bytes beside its own',
  ),
}
const TOO_SLOW: Refusal = {
  status: 408,
  reason: 'Request Timeout',
  error: new AspenError('INVALID_REQUEST', 'the request did not arrive in time'),
}
const NOT_HTTP: Refusal = {
  status: 400,
  reason: 'Bad Request',
  error: new AspenError('INVALID_REQUEST', 'the bytes received are not an HTTP/1.1 request'),
}

function refusalFor(code: string): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return HEADERS_TOO_LARGE
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? TOO_SLOW : NOT_HTTP
}

/**
 * Tells the peer why, and closes. What became of the error is of no interest to the node: the peer broke the protocol or
 * went away. It is counted like any answer, as that of the route `unreadable`.
 */
export function clientErrorHandler(
  metrics: Metrics,
  end: (socket: Socket, say: () => void) => void,
): (error: Error & { code?: string }, socket: Socket) => void {
  return (error, socket) => {
    // Before there is TLS, nothing can be said in it.
    if (error.code === 'ECONNRESET' || !socket.writable || /^ERR_(?:SSL|TLS)_/.test(error.code ?? '')) {
      socket.destroy()
      return
    }
    const { status, reason, error: said } = refusalFor(error.code ?? '')
    metrics.counter('aspen_http_requests_total', { route: 'unreadable', status: String(status) }).add()
    // The rest of what the peer sends is of no use; the answer must leave before the socket goes.
    end(socket, () => socket.end(rawAnswer(status, reason, said), () => socket.destroy()))
  }
}
