// prepare, first pass: an RGBA8 image over white, filtered along its rows.
//
// in   image   packed RGBA8, width × height
// out  rows    f32 [3, height, size]
// One invocation makes one output pixel's three channels. 64 neighbours of a row share a workgroup:
// their taps overlap and lie together, so each input line is fetched about once.
// Includes lib/tent.wgsl.

struct Params {
  width: u32,
  height: u32,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> image: array<u32>;
@group(0) @binding(2) var<storage, read_write> rows: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = id.x;
  let y = id.y;
  if (x >= params.size) {
    return;
  }
  let tent = tent_at(x, params.width, params.size);
  var colour = vec3f(0.0);
  var total = 0.0;
  for (var j = tent.first; j < tent.end; j++) {
    let pixel = unpack4x8unorm(image[y * params.width + j]);
    let weight = tent_weight(tent, j);
    colour += weight * (pixel.rgb * pixel.a + 1.0 - pixel.a);
    total += weight;
  }
  colour /= total;
  let plane = params.height * params.size;
  let at = y * params.size + x;
  rows[at] = colour.r;
  rows[plane + at] = colour.g;
  rows[2u * plane + at] = colour.b;
}
