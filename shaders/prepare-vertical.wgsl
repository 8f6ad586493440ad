// prepare, second pass: filters the first pass' result along its columns.
//
// in   rows     f32 [3, height, size]
// out  planes   f32 [3, size, size]
// One invocation makes one value; id.z is the channel. 64 neighbours of a row share a workgroup, so
// that every tap is one contiguous read. Includes lib/tent.wgsl.

struct Params {
  height: u32,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read_write> planes: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.size;
  if (id.x >= size) {
    return;
  }
  let tent = tent_at(id.y, params.height, size);
  var sum = 0.0;
  var total = 0.0;
  for (var j = tent.first; j < tent.end; j++) {
    let weight = tent_weight(tent, j);
    sum += weight * rows[(id.z * params.height + j) * size + id.x];
    total += weight;
  }
  planes[(id.z * size + id.y) * size + id.x] = sum / total;
}
