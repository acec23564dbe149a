/** Rows, and bytes of their keys and values. */
export interface Totals {
  readonly rows: number
  readonly bytes: number
}
