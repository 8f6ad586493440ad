// The merge of several targets: merged = base + Σ_n c[n]·scale·A_n·B_n each, all elements in one pass.
//
// in   terms, a, b of lib/merge-tile
//      base     `lane` [in, lanes] of each target
// out  merged0… `lane` [in, lanes]
// With 32 elements of rank 4 every weight takes 128 multiply-adds, so this is a matrix product
// [in × J]·[J × out], J = terms · r, with a copy around it; it has to be tiled like one to run at
// the speed of the copy. A workgroup of 16 × 8 invocations makes 8·ROWS rows × 16 lanes, ROWS rows
// of one lane each, all in registers. CHUNK j at a time, values of A (coefficient multiplied in)
// and lanes of B are staged in workgroup memory (at most 8 KiB): base is read once, B once per
// 8·ROWS rows, A once per 16 lanes. Elements with coefficient zero are not among the terms.
// Accumulates in f32. Preamble: ROWS, a multiple of 4.

const TILE_ROWS = 8u * ROWS;
const TILE_LANES = 16u;
// More j take fewer barriers, but leave room for fewer workgroups at a time.
const CHUNK = 16u;
const QUADS = ROWS / 4u;
const ROW_QUADS = TILE_ROWS / 4u;

@group(0) @binding(3) var<storage, read> base: array<lane>;

// [j][quad of rows]
var<workgroup> a_tile: array<vec4f, CHUNK * ROW_QUADS>;
// [j][lane]
var<workgroup> b_tile: array<wide, CHUNK * TILE_LANES>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = tile_of(group);
  if (tile.lanes == 0u) {
    return;
  }
  let inputs = tile.inputs;
  let lanes = tile.lanes;
  let depth = tile.terms * RANK;
  let column = local % TILE_LANES;
  let slab = local / TILE_LANES;

  var sums: array<wide, ROWS>;
  for (var start = 0u; start < depth; start += CHUNK) {
    for (var item = local; item < CHUNK * ROW_QUADS; item += 128u) {
      let j = start + item / ROW_QUADS;
      let row = tile.row + (item % ROW_QUADS) * 4u;
      var quad = vec4f(0.0);
      if (j < depth) {
        let term = tile.first_term + (j / RANK) * 2u;
        let coefficient = bitcast<f32>(terms[term + 1u]);
        let at = tile.a + (terms[term] * inputs + row) * RANK + j % RANK;
        for (var i = 0u; i < 4u; i++) {
          if (row + i < inputs) {
            quad[i] = coefficient * f32(a[at + i * RANK]);
          }
        }
      }
      a_tile[item] = quad;
    }
    for (var item = local; item < CHUNK * TILE_LANES; item += 128u) {
      let j = start + item / TILE_LANES;
      let lane_index = tile.lane + item % TILE_LANES;
      var value = wide(0.0);
      if (j < depth && lane_index < lanes) {
        let element = terms[tile.first_term + (j / RANK) * 2u];
        value = wide(b[tile.b + (element * RANK + j % RANK) * lanes + lane_index]);
      }
      b_tile[item] = value;
    }
    workgroupBarrier();
    for (var j = 0u; j < CHUNK; j++) {
      let value = b_tile[j * TILE_LANES + column];
      for (var q = 0u; q < QUADS; q++) {
        let left = a_tile[j * ROW_QUADS + slab * QUADS + q];
        sums[4u * q] += left.x * value;
        sums[4u * q + 1u] += left.y * value;
        sums[4u * q + 2u] += left.z * value;
        sums[4u * q + 3u] += left.w * value;
      }
    }
    workgroupBarrier();
  }

  if (tile.lane + column >= lanes) {
    return;
  }
  for (var i = 0u; i < ROWS; i++) {
    let row = tile.row + slab * ROWS + i;
    if (row < inputs) {
      let at = row * lanes + tile.lane + column;
      store(tile.output, at, wide(base[tile.base + at]) + sums[i]);
    }
  }
}
