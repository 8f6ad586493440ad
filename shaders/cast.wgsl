// A tensor in the other type.
//
// in   taken   `from_type`, `count` values
// out  given   `to_type`
// One value an invocation: casts are rare and small beside the networks. Preamble: alias from_type,
// to_type.

struct Params {
  count: u32,
  stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> taken: array<from_type>;
@group(0) @binding(2) var<storage, read_write> given: array<to_type>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * params.stride + id.x;
  if (i < params.count) {
    given[i] = to_type(taken[i]);
  }
}
