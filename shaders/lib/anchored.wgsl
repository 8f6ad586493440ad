// Library: an anchor's colour at one pixel, clamp(u + φ(u)·w) or clamp(T(q)).
//
// The kernel supplies what lib/anchor.wgsl wants but `emit`, and the binding `weights`: 82 × vec4 w,
// then 256 × vec4 T (rgb, unused). `groups` says from bit 4 on what T is indexed with, 0 without one.

const FIRST_KNOT = 82u;
const LAST_KNOT = 255.0;
const LUMA = vec3f(0.299, 0.587, 0.114);

const LOOKUP_SHIFT = 4u;
const LOOKUP_LUMA = 2u;
const LOOKUP_SOFT_CHANNEL = 3u;
const LOOKUP_SOFT_LUMA = 4u;
const LOOKUP_GRADIENT = 5u;

var<private> sum: vec3f;

fn emit(index: u32, value: f32) {
  sum += weights[index].rgb * value;
}

fn lookup_index(place: vec2f, colour: vec3f, field_size: u32, kind: u32) -> vec3f {
  var q = colour;
  if (kind >= LOOKUP_SOFT_CHANNEL) {
    let taps = taps_at(place, vec2u(field_size));
    if (kind == LOOKUP_GRADIENT) {
      q = vec3f(4.0 * field(14u, taps));
    } else {
      q = vec3f(field(0u, taps), field(1u, taps), field(2u, taps));
    }
  }
  if (kind == LOOKUP_LUMA || kind == LOOKUP_SOFT_LUMA) {
    q = vec3f(dot(q, LUMA));
  }
  return clamp(q, vec3f(0.0), vec3f(1.0));
}

fn look_up(q: vec3f) -> vec3f {
  let position = q * LAST_KNOT;
  let low = min(floor(position), vec3f(LAST_KNOT - 1.0));
  let knot = FIRST_KNOT + vec3u(low);
  let before = vec3f(weights[knot.r].r, weights[knot.g].g, weights[knot.b].b);
  let after = vec3f(weights[knot.r + 1u].r, weights[knot.g + 1u].g, weights[knot.b + 1u].b);
  return mix(before, after, position - low);
}

fn anchored_colour(place: vec2f, colour: vec3f, field_size: u32, groups: u32) -> vec3f {
  let kind = groups >> LOOKUP_SHIFT;
  if (kind != 0u) {
    sum = look_up(lookup_index(place, colour, field_size, kind));
  } else {
    sum = colour;
    anchor_features(place, colour, field_size, groups);
  }
  return clamp(sum, vec3f(0.0), vec3f(1.0));
}
