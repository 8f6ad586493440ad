// What an anchor's warp makes of an image at the model's size.
//
// in   planes  f32 [3, S, S], u
//      warp    22 × vec4 as lib/warp.wgsl says, uniform
//      matches f32 [6, S, S], read only where the warp is of matches
// out  moved   f32 [3, S, S]
// One invocation per pixel, 64 neighbours of a row a workgroup: they mostly read neighbours too.
// Includes lib/bilinear, lib/planar, lib/warp.

struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> warp: array<vec4f, 22>;
@group(0) @binding(2) var<storage, read> matches: array<f32>;
@group(0) @binding(3) var<storage, read> planes: array<f32>;
@group(0) @binding(4) var<storage, read_write> moved: array<f32>;

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
  let colour = moved_colour((vec2f(id.xy) + 0.5) / f32(size), vec2f(f32(size)));
  moved[at] = colour.r;
  moved[plane + at] = colour.g;
  moved[2u * plane + at] = colour.b;
}
