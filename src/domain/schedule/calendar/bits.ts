/** Sets of small numbers as the bits of an integer. */

export function bitsOf(values: readonly number[]): number {
  return values.reduce((bits, value) => bits | (1 << value), 0);
}

export function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

export function highestBit(bits: number): number {
  return 31 - Math.clz32(bits);
}

export function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
