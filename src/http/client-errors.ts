/** Answers for connections on which no request could be read: too long a header, not HTTP, or too slow. */
import type { Socket } from 'node:net'
import { AspenError } from '../api/index.ts'
import { rawAnswer } from './error-answers.ts'

function answerFor(code: string): string {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return rawAnswer(
      431,
      'Request Header Fields Too Large',
      new AspenError('HEADERS_TOO_LARGE', 'the headers are larger than 16 KiB'),
    )
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return rawAnswer(408, 'Request Timeout', new AspenError('INVALID_REQUEST', 'the request did not arrive in time'))
  }
  return rawAnswer(400, 'Bad Request', new AspenError('INVALID_REQUEST', 'the bytes received are not an HTTP/1.1 request'))
}

/** What became of the error is of no interest to the node: the peer broke the protocol or went away. */
export function onClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  // The rest of what the peer sends is of no use; the answer must leave before the socket goes.
  socket.end(answerFor(error.code ?? ''), () => socket.destroy())
}
