// The anchor at the model's size: clamp(u + φ(u)·w, 0, 1).
//
// in   planes    f32 [3, S, S], u
//      fields    f32 [15, S, S], blurs and gradients of u; read only when its group is on
//      weights   82 × vec4 (rgb, unused), uniform
// out  anchored  f32 [3, S, S]
// One invocation per pixel, 64 neighbours of a row a workgroup.
// Includes lib/bilinear, lib/anchor, lib/planar, lib/field.

struct Params {
  size: u32,
  groups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> weights: array<vec4f, 82>;
@group(0) @binding(2) var<storage, read> planes: array<f32>;
@group(0) @binding(3) var<storage, read> fields: array<f32>;
@group(0) @binding(4) var<storage, read_write> anchored: array<f32>;

var<private> sum: vec3f;

fn model_size() -> u32 {
  return params.size;
}

fn emit(index: u32, value: f32) {
  sum += weights[index].rgb * value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.size;
  if (id.x >= size) {
    return;
  }
  let at = id.y * size + id.x;
  sum = colour_at(at);
  anchor_features((vec2f(id.xy) + 0.5) / f32(size), sum, size, params.groups);
  let colour = clamp(sum, vec3f(0.0), vec3f(1.0));
  let plane = size * size;
  anchored[at] = colour.r;
  anchored[plane + at] = colour.g;
  anchored[2u * plane + at] = colour.b;
}
