// One flow step: the head at the model's size makes x̂, then x ← x + (2x̂ − 1 − x)·step.
//
// in   grid      `prediction` [14, G, G]
//      maps      `prediction` [5, S, S]
//      planes    f32 [3, S, S], prepared b
//      anchored  f32 [3, S, S], anchor(b)
// in/out x       `state` [3, S, S], network units; step = (tNext − t) / (1 − t)
// One invocation per pixel, 64 neighbours of a row a workgroup.
// Includes lib/bilinear, lib/planar, lib/head. Preamble: alias prediction, state.

struct Params {
  size: u32,
  grid_size: u32,
  step: f32,
  origin: vec3f,
  way: vec3f,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grid: array<prediction>;
@group(0) @binding(2) var<storage, read> maps: array<prediction>;
@group(0) @binding(3) var<storage, read> planes: array<f32>;
@group(0) @binding(4) var<storage, read> anchored: array<f32>;
@group(0) @binding(5) var<storage, read_write> x: array<state>;

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
  for (var c = 0u; c < 3u; c++) {
    let now = f32(x[c * plane + at]);
    x[c * plane + at] = state(now + (2.0 * edit[c] - 1.0 - now) * params.step);
  }
}
