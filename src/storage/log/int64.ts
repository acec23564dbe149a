const TWO_TO_32 = 0x1_0000_0000

/** Writes a safe integer as 64 bits, two's complement, little-endian, without a BigInt. */
export function setInt64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true)
  view.setInt32(offset + 4, Math.floor(value / TWO_TO_32), true)
}

export function getInt64(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * TWO_TO_32 + view.getUint32(offset, true)
}
