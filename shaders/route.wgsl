// Coefficients of the basis: c_l = activation(K_l (P_l e) / √d), one workgroup per target l.
//
// in   e        `encoded` [Q]
//      keys     `weight` [L, N, d]
//      query    `weight` [L, d, Q]
// out  c        f32 [L, N]
// 256 invocations as 16 rows × 16 lanes: a row is one output of the matrix-vector product, its
// lanes read neighbouring values of that row, so P (by far the most bytes) streams once. Projection,
// keys and activation stay in workgroup memory; d and N are at most 1024 (8 KiB).
// Sums and softmax are f32 whatever the storage. Preamble: alias encoded, weight.

const SPLIT = 16u;
const ROWS = 16u;
const MOST = 1024u;

struct Params {
  elements: u32,
  key_size: u32,
  inputs: u32,
  // 0: softmax, 1: tanh.
  activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> e: array<encoded>;
@group(0) @binding(2) var<storage, read> keys: array<weight>;
@group(0) @binding(3) var<storage, read> query: array<weight>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

var<workgroup> projected: array<f32, MOST>;
var<workgroup> scores: array<f32, MOST>;
var<workgroup> lane_sums: array<f32, ROWS * SPLIT>;

fn sum_lanes(local: u32) -> f32 {
  var sum = 0.0;
  for (var lane = 0u; lane < SPLIT; lane++) {
    sum += lane_sums[local * SPLIT + lane];
  }
  return sum;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let target_index = group.x;
  let row = local / SPLIT;
  let lane = local % SPLIT;

  for (var first = 0u; first < params.key_size; first += ROWS) {
    var sum = 0.0;
    if (first + row < params.key_size) {
      let base = (target_index * params.key_size + first + row) * params.inputs;
      for (var i = lane; i < params.inputs; i += SPLIT) {
        sum += f32(query[base + i]) * f32(e[i]);
      }
    }
    lane_sums[local] = sum;
    workgroupBarrier();
    if (local < ROWS && first + local < params.key_size) {
      projected[first + local] = sum_lanes(local);
    }
    workgroupBarrier();
  }

  for (var first = 0u; first < params.elements; first += ROWS) {
    var sum = 0.0;
    if (first + row < params.elements) {
      let base = (target_index * params.elements + first + row) * params.key_size;
      for (var i = lane; i < params.key_size; i += SPLIT) {
        sum += f32(keys[base + i]) * projected[i];
      }
    }
    lane_sums[local] = sum;
    workgroupBarrier();
    if (local < ROWS && first + local < params.elements) {
      scores[first + local] = sum_lanes(local) / sqrt(f32(params.key_size));
    }
    workgroupBarrier();
  }

  // N is small: every invocation finds the maximum and the sum for itself, without barriers.
  var largest = scores[0];
  for (var n = 1u; n < params.elements; n++) {
    largest = max(largest, scores[n]);
  }
  var total = 0.0;
  for (var n = 0u; n < params.elements; n++) {
    total += exp(scores[n] - largest);
  }
  for (var n = local; n < params.elements; n += ROWS * SPLIT) {
    let softmax = exp(scores[n] - largest) / total;
    // tanh of a large argument overflows in some drivers' exp-based forms.
    let gate = tanh(clamp(scores[n], -15.0, 15.0));
    c[target_index * params.elements + n] = select(softmax, gate, params.activation == 1u);
  }
}
