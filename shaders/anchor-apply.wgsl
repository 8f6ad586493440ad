// The anchor at the model's size: clamp(u + φ(u)·w) or, of a lookup, clamp(T(q)).
//
// in   planes    f32 [3, S, S], u, or moved(u) of an anchor with a warp
//      fields    f32 [15, S, S], blurs and gradients of the planes; read only when its group is on
//      weights   82 × vec4 w and 256 × vec4 T (rgb, unused), uniform
// out  anchored  f32 [3, S, S]
// One invocation per pixel, 64 neighbours of a row a workgroup.
// Includes lib/bilinear, lib/anchor, lib/planar, lib/field, lib/anchored.

struct Params {
  size: u32,
  groups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> weights: array<vec4f, 338>;
@group(0) @binding(2) var<storage, read> planes: array<f32>;
@group(0) @binding(3) var<storage, read> fields: array<f32>;
@group(0) @binding(4) var<storage, read_write> anchored: array<f32>;

fn model_size() -> u32 {
  return params.size;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.size;
  if (id.x >= size) {
    return;
  }
  let at = id.y * size + id.x;
  let place = (vec2f(id.xy) + 0.5) / f32(size);
  let colour = anchored_colour(place, colour_at(at), size, params.groups);
  let plane = size * size;
  anchored[at] = colour.r;
  anchored[plane + at] = colour.g;
  anchored[2u * plane + at] = colour.b;
}
