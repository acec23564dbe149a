/** Validates answers against the OpenAPI document of the very server that gave them. */
import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'

interface MediaType {
  readonly schema: object
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType & { readonly examples?: object }>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, MediaType>> }>>
}

export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

// Strictness is about the schemas' authors: OpenAPI adds keywords of its own, such as example.
const ajv = new Ajv2020({ strict: false, allErrors: true })
const compiled = new WeakMap<object, ValidateFunction>()

/** The validator of a schema, made once. */
export function validator(schema: object): ValidateFunction {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(schema)
    compiled.set(schema, validate)
  }
  return validate
}

function describe(method: string, path: string, status: number): string {
  return `${method} ${path} -> ${status}`
}

/**
 * Asserts that the document describes this answer. Answers to unknown routes and wrong methods have no operation of
 * their own; they must have the shape of every other refusal.
 */
export function checkAnswer(openapi: OpenApiDocument, method: string, path: string, status: number, body: unknown): void {
  const what = describe(method, path, status)
  const operation = openapi.paths[path]?.[method.toLowerCase()]
  if (operation === undefined) {
    assert.ok(status >= 400, `${what} is not in the document`)
    checkRefusalShape(body, what)
    return
  }
  const content = operation.responses[String(status)]?.content
  assert.ok(content !== undefined, `${what} is not in the document: ${JSON.stringify(body)}`)
  const [media] = Object.values(content)
  assert.ok(media !== undefined, `${what} has no schema`)
  const validate = validator(media.schema)
  assert.ok(validate(body), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)?.slice(0, 500)}`)
}

function checkRefusalShape(body: unknown, what: string): void {
  assert.ok(typeof body === 'object' && body !== null && 'error' in body, `${what} has no error`)
  const { error } = body
  assert.ok(typeof error === 'object' && error !== null, `${what} has no error`)
  assert.deepEqual(Object.keys(error), ['code', 'message', 'retryable', 'details'], what)
}
