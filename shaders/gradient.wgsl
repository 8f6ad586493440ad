// The gradient of the finest blur's luma: ∂x, ∂y and its length, the last three of the anchor's fields.
//
// in, out  fields   f32 [18, S, S]: of planes 0–2, planes 15–17
// One invocation per pixel; the four neighbours come from cache.

struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> fields: array<f32>;

fn luma(x: i32, y: i32) -> f32 {
  let size = i32(params.size);
  let i = u32(clamp(y, 0, size - 1) * size + clamp(x, 0, size - 1));
  let plane = params.size * params.size;
  return 0.299 * fields[i] + 0.587 * fields[plane + i] + 0.114 * fields[2u * plane + i];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.size) {
    return;
  }
  let x = i32(id.x);
  let y = i32(id.y);
  let step = f32(params.size) / 512.0;
  let gradient = vec2f(luma(x + 1, y) - luma(x - 1, y), luma(x, y + 1) - luma(x, y - 1)) * step;
  let plane = params.size * params.size;
  let at = id.y * params.size + id.x;
  fields[15u * plane + at] = gradient.x;
  fields[16u * plane + at] = gradient.y;
  fields[17u * plane + at] = sqrt(dot(gradient, gradient) + 1e-8);
}
