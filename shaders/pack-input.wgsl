// Part of a network input: out[offset + i] = x[i] − subtract·y[i], in the graph's type.
//
// in   x, y     f32, `count` values each
// out  packed   `element` (f32 or f16), from `offset` on
// Pairs, targets and encoder stacks are a few such parts one after the other. One value an
// invocation: an odd offset in f16 rules out wider stores. Preamble: alias element.

struct Params {
  count: u32,
  offset: u32,
  // Invocations of one row of the dispatch, for more values than one row of workgroups holds.
  stride: u32,
  subtract: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> packed: array<element>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * params.stride + id.x;
  if (i < params.count) {
    packed[params.offset + i] = element(x[i] - params.subtract * y[i]);
  }
}
