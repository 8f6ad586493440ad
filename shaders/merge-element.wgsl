// Adds one basis element to several merged targets: merged += delta·scale·A_n·B_n each.
//
// in   terms    as merge.wgsl, one term a target
//      a        `factor` [N, in, r] of each
//      b        `factor_lane` [N, r, lanes] of each
// in/out merged0… `lane` [in, lanes], declared before this with `load` and `store`
// What dragging one coefficient costs: a read and a write of each weight and r multiply-adds. One
// invocation makes 4 rows of one lane, so that its r lanes of B are read once for four rows. In f16
// every call rounds the weights once more, so the engine merges anew when the drag ends.
// Preamble: alias lane, wide, factor, factor_lane; RANK.
// Dispatch: the targets' tiles of 16 rows × 32 lanes one after the other.

const ROWS = 4u;
const TILE_ROWS = 16u;
const TILE_LANES = 32u;
const HEADER = 3u;
const TARGET = 8u;

@group(0) @binding(0) var<storage, read> terms: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<factor>;
@group(0) @binding(2) var<storage, read> b: array<factor_lane>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.y * terms[1] + group.x;
  if (tile >= terms[2]) {
    return;
  }
  var output = 0u;
  while (output + 1u < terms[0] && tile >= terms[HEADER + (output + 1u) * TARGET]) {
    output++;
  }
  let header = HEADER + output * TARGET;
  let inputs = terms[header + 1u];
  let lanes = terms[header + 2u];
  let first_term = terms[header + 6u];
  let element = terms[first_term];
  let amount = bitcast<f32>(terms[first_term + 1u]);
  let across = (lanes + TILE_LANES - 1u) / TILE_LANES;
  let own = tile - terms[header];
  let row = own / across * TILE_ROWS + local / TILE_LANES * ROWS;
  let lane_index = own % across * TILE_LANES + local % TILE_LANES;
  if (row >= inputs || lane_index >= lanes) {
    return;
  }
  let b_start = terms[header + 5u] + element * RANK * lanes + lane_index;
  let a_start = terms[header + 4u] + (element * inputs + row) * RANK;
  let last = inputs - 1u - row;
  // Loops of a fixed length, so that the sums stay in registers; a row past the end repeats the last
  // one and is not stored.
  var sums: array<wide, ROWS>;
  for (var k = 0u; k < RANK; k++) {
    let value = amount * wide(b[b_start + k * lanes]);
    for (var i = 0u; i < ROWS; i++) {
      sums[i] += f32(a[a_start + min(i, last) * RANK + k]) * value;
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    if (i <= last) {
      let at = (row + i) * lanes + lane_index;
      store(output, at, load(output, at) + sums[i]);
    }
  }
}
