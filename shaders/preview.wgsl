// b′ at the model's size, as RGBA8: the head with strength.
//
// in   grid, maps, planes, anchored   as flow-step.wgsl
// out  pixels   packed RGBA8, S × S, opaque
// One invocation per pixel, 64 neighbours of a row a workgroup.
// Includes lib/bilinear, lib/planar, lib/head. Preamble: alias prediction.

struct Params {
  size: u32,
  grid_size: u32,
  strength: f32,
  origin: vec3f,
  way: vec3f,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grid: array<prediction>;
@group(0) @binding(2) var<storage, read> maps: array<prediction>;
@group(0) @binding(3) var<storage, read> planes: array<f32>;
@group(0) @binding(4) var<storage, read> anchored: array<f32>;
@group(0) @binding(5) var<storage, read_write> pixels: array<u32>;

fn model_size() -> u32 {
  return params.size;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.size;
  if (id.x >= size) {
    return;
  }
  let plane = size * size;
  let at = id.y * size + id.x;
  let anchor = vec3f(anchored[at], anchored[plane + at], anchored[2u * plane + at]);
  let place = (vec2f(id.xy) + 0.5) / f32(size);
  let drawn = head_edit(place, anchor, maps_at(at, size), params.grid_size);
  let edit = on_line(drawn, params.origin, params.way);
  pixels[at] = pack4x8unorm(vec4f(with_strength(colour_at(at), edit, params.strength), 1.0));
}
