// The merge of several targets: merged = base + Σ_n c[n]·scale·A_n·B_n each, all elements in one pass.
//
// in   terms    header (targets, workgroups along x, workgroups), then per target (its first
//               workgroup, in, lanes of out, where in base, a and b it begins, where its terms
//               begin and how many there are), then per term (element, c·scale as f32 bits)
//      a        `factor` [N, in, r] of each
//      b        `factor_lane` [N, r, lanes] of each
//      base     `lane` [in, lanes] of each
// out  merged0… `lane` [in, lanes], declared before this with `load` and `store`
// A lane is four neighbouring outputs when out is a multiple of 4, one otherwise.
// With 32 elements of rank 4 every weight takes 128 multiply-adds, so this is a matrix product
// [in × J]·[J × out], J = terms · r, with a copy around it; it has to be tiled like one to run at
// the speed of the copy. A workgroup of 16 × 8 invocations makes 8·ROWS rows × 16 lanes, ROWS rows
// of one lane each, all in registers. CHUNK j at a time, values of A (coefficient multiplied in)
// and lanes of B are staged in workgroup memory (at most 12 KiB): base is read once, B once per
// 8·ROWS rows, A once per 16 lanes. Elements with coefficient zero are not among the terms.
// Accumulates in f32. Preamble: alias lane, wide, factor, factor_lane; RANK; ROWS, a multiple of 4.
// Dispatch: the targets' tiles one after the other, each in rows of tiles of lanes.

const TILE_ROWS = 8u * ROWS;
const TILE_LANES = 16u;
// Fewer rows leave room for more j, and so for fewer barriers.
const CHUNK = 128u / ROWS;
const QUADS = ROWS / 4u;
const ROW_QUADS = TILE_ROWS / 4u;
const HEADER = 3u;
const TARGET = 8u;

@group(0) @binding(0) var<storage, read> terms: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<factor>;
@group(0) @binding(2) var<storage, read> b: array<factor_lane>;
@group(0) @binding(3) var<storage, read> base: array<lane>;

// [j][quad of rows]
var<workgroup> a_tile: array<vec4f, CHUNK * ROW_QUADS>;
// [j][lane]
var<workgroup> b_tile: array<wide, CHUNK * TILE_LANES>;

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
  let base_start = terms[header + 3u];
  let a_start = terms[header + 4u];
  let b_start = terms[header + 5u];
  let first_term = terms[header + 6u];
  let depth = terms[header + 7u] * RANK;
  let across = (lanes + TILE_LANES - 1u) / TILE_LANES;
  let own = tile - terms[header];
  let first_row = own / across * TILE_ROWS;
  let first_lane = own % across * TILE_LANES;
  let column = local % TILE_LANES;
  let slab = local / TILE_LANES;

  var sums: array<wide, ROWS>;
  for (var start = 0u; start < depth; start += CHUNK) {
    for (var item = local; item < CHUNK * ROW_QUADS; item += 128u) {
      let j = start + item / ROW_QUADS;
      let row = first_row + (item % ROW_QUADS) * 4u;
      var quad = vec4f(0.0);
      if (j < depth) {
        let term = first_term + (j / RANK) * 2u;
        let coefficient = bitcast<f32>(terms[term + 1u]);
        let at = a_start + (terms[term] * inputs + row) * RANK + j % RANK;
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
      let lane_index = first_lane + item % TILE_LANES;
      var value = wide(0.0);
      if (j < depth && lane_index < lanes) {
        let element = terms[first_term + (j / RANK) * 2u];
        value = wide(b[b_start + (element * RANK + j % RANK) * lanes + lane_index]);
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

  if (first_lane + column >= lanes) {
    return;
  }
  for (var i = 0u; i < ROWS; i++) {
    let row = first_row + slab * ROWS + i;
    if (row < inputs) {
      let at = row * lanes + first_lane + column;
      store(output, at, wide(base[base_start + at]) + sums[i]);
    }
  }
}
