// Adds one basis element to several merged targets: merged += delta·scale·A_n·B_n each.
//
// in   terms, a, b of lib/merge-tile, one term a target
// in/out merged0… `lane` [in, lanes]
// What dragging one coefficient costs: a read and a write of each weight and r multiply-adds. One
// invocation makes 4 rows of one lane, so that its r lanes of B are read once for four rows. In f16
// every call rounds the weights once more, so the engine merges anew when the drag ends.

const ROWS = 4u;
const TILE_ROWS = 16u;
const TILE_LANES = 32u;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = tile_of(group);
  let inputs = tile.inputs;
  let lanes = tile.lanes;
  let row = tile.row + local / TILE_LANES * ROWS;
  let lane_index = tile.lane + local % TILE_LANES;
  // None of a workgroup past the last tile.
  if (row >= inputs || lane_index >= lanes) {
    return;
  }
  let element = terms[tile.first_term];
  let amount = bitcast<f32>(terms[tile.first_term + 1u]);
  let b_start = tile.b + element * RANK * lanes + lane_index;
  let a_start = tile.a + (element * inputs + row) * RANK;
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
      store(tile.output, at, load(tile.output, at) + sums[i]);
    }
  }
}
