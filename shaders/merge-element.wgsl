// Adds one basis element to a merged target: merged += delta·scale·A_n·B_n.
//
// in   a        `factor` [N, in, r]
//      b        `factor_lane` [N, r, lanes]
// in/out merged `lane` [in, lanes]
// What dragging one coefficient costs: a read and a write of each weight and r multiply-adds. One
// invocation makes 4 rows of one lane, so that its r lanes of B are read once for four rows; 64
// neighbouring lanes a workgroup. In f16 every call rounds the weights once more, so the engine
// merges anew when the drag ends. Preamble: as merge.wgsl.

const ROWS = 4u;

struct Params {
  inputs: u32,
  lanes: u32,
  rank: u32,
  element: u32,
  amount: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<factor>;
@group(0) @binding(2) var<storage, read> b: array<factor_lane>;
@group(0) @binding(3) var<storage, read_write> merged: array<lane>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.lanes) {
    return;
  }
  let row = id.y * ROWS;
  let last = params.inputs - 1u;
  // Loops of a fixed length, so that the sums stay in registers; a row past the end repeats the last
  // one and is not stored.
  var sums = array<wide, ROWS>();
  for (var k = 0u; k < params.rank; k++) {
    let value = params.amount * wide(b[(params.element * params.rank + k) * params.lanes + id.x]);
    for (var i = 0u; i < ROWS; i++) {
      let from_row = params.element * params.inputs + min(row + i, last);
      sums[i] += f32(a[from_row * params.rank + k]) * value;
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    if (row + i <= last) {
      let at = (row + i) * params.lanes + id.x;
      merged[at] = lane(wide(merged[at]) + sums[i]);
    }
  }
}
