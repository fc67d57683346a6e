/** Medians of a few numbers, many times a tick. */

/** Up to so many numbers are put in order by insertion, without a call for each pair. */
const FEW = 32;

/** Orders the first `count` numbers in place. */
export function sortFirst(values: Float64Array, count: number): void {
  if (count > FEW) {
    values.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    let at = i;
    while (at > 0 && values[at - 1]! > value) {
      values[at] = values[at - 1]!;
      at--;
    }
    values[at] = value;
  }
}

/** Median of the first `count` numbers, which are put in order. */
export function medianOf(values: Float64Array, count: number): number {
  sortFirst(values, count);
  const middle = count >> 1;
  return count % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}
