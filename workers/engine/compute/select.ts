/** The value that a sorted array would have at `place`, by Hoare's selection; `values` are left in another order. */
export function valueAt(values: Float32Array | Float64Array, place: number): number {
  let first = 0;
  let last = values.length - 1;
  while (first < last) {
    const pivot = values[place];
    let low = first;
    let high = last;
    while (low <= high) {
      while (values[low] < pivot) low++;
      while (values[high] > pivot) high--;
      if (low > high) break;
      const value = values[low];
      values[low++] = values[high];
      values[high--] = value;
    }
    if (high < place) first = low;
    if (low > place) last = high;
  }
  return values[place];
}
