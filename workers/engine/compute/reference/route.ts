/** Coefficients of the basis from the encoder's e: c_l = activation(K_l (P_l e) / √d), `[L, N]`. */
export interface RouteShape {
  readonly targets: number;
  readonly elements: number;
  readonly keySize: number;
  readonly inputs: number;
}

export function route(
  e: Float32Array,
  keys: Float32Array,
  query: Float32Array,
  shape: RouteShape,
  activation: 'softmax' | 'tanh',
): Float32Array<ArrayBuffer> {
  const { targets, elements, keySize, inputs } = shape;
  const coefficients = new Float32Array(targets * elements);
  const q = new Float64Array(keySize);
  for (let l = 0; l < targets; l++) {
    for (let d = 0; d < keySize; d++) q[d] = dot(query, (l * keySize + d) * inputs, e, inputs);
    const z = Float64Array.from(
      { length: elements },
      (_, n) => dot(keys, (l * elements + n) * keySize, q, keySize) / Math.sqrt(keySize),
    );
    coefficients.set(activation === 'tanh' ? z.map(Math.tanh) : softmax(z), l * elements);
  }
  return coefficients;
}

function dot(rows: Float32Array, at: number, vector: Float32Array | Float64Array, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += rows[at + i] * vector[i];
  return sum;
}

function softmax(z: Float64Array): Float64Array {
  const largest = z.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = z.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}
