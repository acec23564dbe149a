/** Requests of the scripts to nodes. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

const TIMEOUT_MS = 10_000

/** The answer, whatever its status, over a connection of its own: one that idled may be closed as it is used again. @throws TypeError or TimeoutError when there is none */
export async function request(method: 'GET' | 'POST', url: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, {
    method,
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    headers: { connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  try {
    return { status: response.status, body: JSON.parse(text) as unknown }
  } catch {
    return { status: response.status, body: text }
  }
}

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string; readonly retryable?: boolean }
}

/** The error in an answer, or undefined when it is none. */
export function errorOf({
  status,
  body,
}: Answer): { readonly code: string; readonly message: string; readonly retryable: boolean } | undefined {
  if (status < 400) return undefined
  const error = typeof body === 'object' && body !== null ? (body as ErrorBody).error : undefined
  return {
    code: error?.code ?? `HTTP ${status}`,
    message: error?.message ?? JSON.stringify(body),
    retryable: error?.retryable ?? false,
  }
}
