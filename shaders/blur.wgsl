// One pass of Gaussian blurs whose σ in 1/256 of the image are 2^finest, 2^(finest + 1), ….
//
// in   taken   f32 [3, S, S] (horizontal pass) or [3·k, S, S] (vertical pass) for k widths
// out  blurred f32 [3·k, S, S], which the fields [18, S, S] begin with; σ-major, then r, g, b
// One invocation makes one value; id.z is the output plane, so all widths go in one dispatch.
// 64 neighbours of a row share a workgroup: each tap is a contiguous read in either direction.

struct Params {
  size: u32,
  // 0: horizontal, from 3 planes; 1: vertical, from as many as it writes.
  vertical: u32,
  finest: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> taken: array<f32>;
@group(0) @binding(2) var<storage, read_write> blurred: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = i32(params.size);
  let x = i32(id.x);
  let y = i32(id.y);
  if (x >= size) {
    return;
  }
  let vertical = params.vertical == 1u;
  let plane = select(id.z % 3u, id.z, vertical) * params.size * params.size;
  let sigma = f32(1u << (params.finest + id.z / 3u)) * f32(params.size) / 256.0;
  let radius = i32(ceil(3.0 * sigma));
  let falloff = -1.0 / (2.0 * sigma * sigma);
  var sum = 0.0;
  var total = 0.0;
  for (var k = -radius; k <= radius; k++) {
    let place = select(vec2i(x + k, y), vec2i(x, y + k), vertical);
    let inside = clamp(place, vec2i(0), vec2i(size - 1));
    let weight = exp(f32(k * k) * falloff);
    sum += weight * taken[plane + u32(inside.y * size + inside.x)];
    total += weight;
  }
  blurred[id.z * params.size * params.size + u32(y * size + x)] = sum / total;
}
