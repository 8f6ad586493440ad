// Library: an anchor's colour at one pixel, clamp(u + φ(u)·w), clamp(T(q)) or clamp(T(q, d)).
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
const LOOKUP_LOCAL_CHANNEL = 6u;
const LOOKUP_LOCAL_LUMA = 7u;

// Of a local lookup: knots an axis, and the difference that is half way to the last.
const SIDE = 16u;
const BEND = 0.15;

var<private> sum: vec3f;

fn emit(index: u32, value: f32) {
  sum += weights[index].rgb * value;
}

fn lookup_index(place: vec2f, colour: vec3f, field_size: u32, kind: u32) -> vec3f {
  var q = colour;
  if (kind >= LOOKUP_SOFT_CHANNEL) {
    let taps = taps_at(place, vec2u(field_size));
    if (kind == LOOKUP_GRADIENT) {
      q = vec3f(4.0 * field(17u, taps));
    } else {
      q = vec3f(field(0u, taps), field(1u, taps), field(2u, taps));
    }
  }
  if (kind == LOOKUP_LUMA || kind == LOOKUP_SOFT_LUMA) {
    q = vec3f(dot(q, LUMA));
  }
  return clamp(q, vec3f(0.0), vec3f(1.0));
}

fn knots(at: vec3u) -> vec3f {
  return vec3f(weights[at.r].r, weights[at.g].g, weights[at.b].b);
}

fn look_up(q: vec3f) -> vec3f {
  let position = q * LAST_KNOT;
  let low = min(floor(position), vec3f(LAST_KNOT - 1.0));
  let knot = FIRST_KNOT + vec3u(low);
  return mix(knots(knot), knots(knot + 1u), position - low);
}

fn look_up_local(place: vec2f, colour: vec3f, field_size: u32, kind: u32) -> vec3f {
  let taps = taps_at(place, vec2u(field_size));
  var value = colour;
  var around = vec3f(field(0u, taps), field(1u, taps), field(2u, taps));
  if (kind == LOOKUP_LOCAL_LUMA) {
    value = vec3f(dot(value, LUMA));
    around = vec3f(dot(around, LUMA));
  }
  let off = value - around;
  let last = f32(SIDE - 1u);
  let down = clamp(value, vec3f(0.0), vec3f(1.0)) * last;
  let across = (0.5 + 0.5 * off / (abs(off) + BEND)) * last;
  let i = min(floor(down), vec3f(last - 1.0));
  let j = min(floor(across), vec3f(last - 1.0));
  let knot = FIRST_KNOT + vec3u(i) * SIDE + vec3u(j);
  let before = mix(knots(knot), knots(knot + 1u), across - j);
  let after = mix(knots(knot + SIDE), knots(knot + SIDE + 1u), across - j);
  return mix(before, after, down - i);
}

fn anchored_colour(place: vec2f, colour: vec3f, field_size: u32, groups: u32) -> vec3f {
  let kind = groups >> LOOKUP_SHIFT;
  if (kind >= LOOKUP_LOCAL_CHANNEL) {
    sum = look_up_local(place, colour, field_size, kind);
  } else if (kind != 0u) {
    sum = look_up(lookup_index(place, colour, field_size, kind));
  } else {
    sum = colour;
    anchor_features(place, colour, field_size, groups);
  }
  return clamp(sum, vec3f(0.0), vec3f(1.0));
}
