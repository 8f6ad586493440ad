// A band of rows of b′ at full size: anchor, head, guided upsampling and strength in one pass.
//
// in   image    packed RGBA8, b at its own size
//      guide    f32 [3, S, S], prepared b
//      fields   f32 [18, S, S], blurs and gradients of prepared b, moved where the anchor has a warp; read
//               only when its group is on
//      grid     `prediction` [14, G, G]
//      maps     `prediction` [5, S, S]
//      weights  82 × vec4 w, 256 × vec4 T and the weights of luma (rgb, unused), uniform
//      warp     22 × vec4 as lib/warp.wgsl says, uniform
//      matches  f32 [6, S, S], read only where the warp is of matches
//      layer    packed RGBA8, as lib/layer.wgsl says
// out  pixels   packed RGBA8, width × rows, from row `first` on; alpha is the image's own
// One invocation per pixel. 32 × 4 a workgroup: a row of 32 packed pixels is one 128-byte line, and
// the model-size buffers behind a 32 × 4 patch stay in cache.
// Includes lib/bilinear, lib/anchor, lib/field, lib/anchored, lib/warp, lib/layer, lib/image, lib/head. Preamble: alias prediction.

const GUIDE_FALLOFF = -50.0; // −1 / (2·0.1²)
const GUIDE_FLOOR = 1e-3;
// A g or h of which no byte shows: an anchor that solves the edit leaves such.
const SHUT = 1.0 / 2048.0;

struct Params {
  width: u32,
  height: u32,
  image_width: u32,
  image_height: u32,
  first: u32,
  rows: u32,
  size: u32,
  grid_size: u32,
  groups: u32,
  layer_width: u32,
  layer_height: u32,
  strength: f32,
  origin: vec3f,
  way: vec3f,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> weights: array<vec4f, 339>;
@group(0) @binding(2) var<uniform> warp: array<vec4f, 22>;
@group(0) @binding(3) var<storage, read> matches: array<f32>;
@group(0) @binding(4) var<storage, read> layer: array<u32>;
@group(0) @binding(5) var<storage, read> image: array<u32>;
@group(0) @binding(6) var<storage, read> guide: array<f32>;
@group(0) @binding(7) var<storage, read> fields: array<f32>;
@group(0) @binding(8) var<storage, read> grid: array<prediction>;
@group(0) @binding(9) var<storage, read> maps: array<prediction>;
@group(0) @binding(10) var<storage, read_write> pixels: array<u32>;

fn model_size() -> u32 {
  return params.size;
}

fn image_size() -> vec2u {
  return vec2u(params.image_width, params.image_height);
}

fn layer_size() -> vec2u {
  return vec2u(params.layer_width, params.layer_height);
}

fn guided_maps(place: vec2f, own: vec3f) -> Maps {
  let taps = taps_at(place, vec2u(params.size));
  let plane = params.size * params.size;
  var result = Maps(vec3f(0.0), 0.0, 0.0);
  // What is shut at every tap is shut here, and weights are costly.
  var open = false;
  for (var tap = 0u; tap < 4u; tap++) {
    let gate = 3u * plane + taps.index[tap];
    open |= max(f32(maps[gate]), f32(maps[gate + plane])) > SHUT;
  }
  if (!open) {
    return result;
  }
  var total = 0.0;
  for (var tap = 0u; tap < 4u; tap++) {
    let index = taps.index[tap];
    let off = own - vec3f(guide[index], guide[plane + index], guide[2u * plane + index]);
    let weight = taps.weight[tap] * (exp(dot(off, off) * GUIDE_FALLOFF) + GUIDE_FLOOR);
    let here = maps_at(index, params.size);
    result.residual += weight * here.residual;
    result.gate += weight * here.gate;
    result.gain += weight * here.gain;
    total += weight;
  }
  return Maps(result.residual / total, result.gate / total, result.gain / total);
}

@compute @workgroup_size(32, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.width || id.y >= params.rows) {
    return;
  }
  let at = vec2u(id.x, params.first + id.y);
  let place = (vec2f(at) + 0.5) / vec2f(vec2u(params.width, params.height));
  var own: vec4f;
  if (params.width == params.image_width && params.height == params.image_height) {
    // Its pixels as they are: rounding in `place` must not blur what is not edited.
    own = unpack4x8unorm(image[at.y * params.width + at.x]);
  } else {
    own = sample_image(place);
  }
  var read = own.rgb;
  if (warps()) {
    read = seen(place);
  }
  let anchor = laid_over(place, anchored_colour(place, read, params.size, params.groups));
  let drawn = head_edit(place, anchor, guided_maps(place, own.rgb), params.grid_size);
  let edit = on_line(drawn, params.origin, params.way);
  let colour = with_strength(own.rgb, edit, params.strength);
  pixels[id.y * params.width + id.x] = pack4x8unorm(vec4f(colour, own.a));
}
