// The columns [φ(a) | a′ − a] of the anchor's fit.
//
// in   planes    f32 [3, S, S], pixels of a
//      edited    f32 [3, S, S], pixels of a′
//      fields    f32 [18, S, S], blurs and gradients of the prepared a
// out  columns   f32 [85, S²]
// One invocation per pixel writes its 85 values; 64 neighbours write each column contiguously, which
// is also how gram.wgsl reads it. Includes lib/bilinear, lib/anchor, lib/planar, lib/field.

struct Params {
  size: u32,
  groups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> planes: array<f32>;
@group(0) @binding(2) var<storage, read> edited: array<f32>;
@group(0) @binding(3) var<storage, read> fields: array<f32>;
@group(0) @binding(4) var<storage, read_write> columns: array<f32>;

var<private> pixel: u32;

fn model_size() -> u32 {
  return params.size;
}

fn emit(index: u32, value: f32) {
  columns[index * params.size * params.size + pixel] = value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.size;
  if (id.x >= size) {
    return;
  }
  pixel = id.y * size + id.x;
  let place = (vec2f(id.xy) + 0.5) / f32(size);
  let colour = colour_at(pixel);
  anchor_features(place, colour, size, params.groups);
  let plane = size * size;
  emit_colour(82u, vec3f(edited[pixel], edited[plane + pixel], edited[2u * plane + pixel]) - colour);
}
