// The anchor of an image at its own size, clamp(u + φ(u)·w) or, of a lookup, clamp(T(q)), filtered along the
// image's rows as prepare-horizontal.wgsl does; prepare-vertical.wgsl is the second pass.
//
// in   image     packed RGBA8, width × height, opaque
//      fields    f32 [18, S, S], blurs and gradients of the prepared image, moved where the anchor has a
//                warp; read only when its group is on
//      weights   82 × vec4 w and 256 × vec4 T (rgb, unused), uniform
//      warp      22 × vec4 as lib/warp.wgsl says, uniform
//      matches   f32 [6, S, S], read only where the warp is of matches
//      layer     packed RGBA8, as lib/layer.wgsl says
// out  rows      f32 [3, height, S]
// One invocation makes one output pixel: it evaluates the anchor at every tap of its tent, six at most for an
// image of 3·S, each twice in all, and in return no image of anchors is ever stored. 64 neighbours of a row a
// workgroup, whose taps overlap. Includes lib/bilinear, lib/anchor, lib/field, lib/anchored, lib/warp,
// lib/layer, lib/image, lib/tent.

struct Params {
  width: u32,
  height: u32,
  size: u32,
  groups: u32,
  layer_width: u32,
  layer_height: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> weights: array<vec4f, 339>;
@group(0) @binding(2) var<uniform> warp: array<vec4f, 22>;
@group(0) @binding(3) var<storage, read> matches: array<f32>;
@group(0) @binding(4) var<storage, read> layer: array<u32>;
@group(0) @binding(5) var<storage, read> image: array<u32>;
@group(0) @binding(6) var<storage, read> fields: array<f32>;
@group(0) @binding(7) var<storage, read_write> rows: array<f32>;

fn model_size() -> u32 {
  return params.size;
}

fn image_size() -> vec2u {
  return vec2u(params.width, params.height);
}

fn layer_size() -> vec2u {
  return vec2u(params.layer_width, params.layer_height);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = params.size;
  if (id.x >= size) {
    return;
  }
  let tent = tent_at(id.x, params.width, size);
  var colour = vec3f(0.0);
  var total = 0.0;
  for (var j = tent.first; j < tent.end; j++) {
    let place = (vec2f(f32(j), f32(id.y)) + 0.5) / vec2f(image_size());
    var read = unpack4x8unorm(image[id.y * params.width + j]).rgb;
    if (warps()) {
      read = seen(place);
    }
    let weight = tent_weight(tent, j);
    colour += weight * laid_over(place, anchored_colour(place, read, size, params.groups));
    total += weight;
  }
  colour /= total;
  let plane = params.height * size;
  let at = id.y * size + id.x;
  rows[at] = colour.r;
  rows[plane + at] = colour.g;
  rows[2u * plane + at] = colour.b;
}
