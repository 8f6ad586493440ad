// Library: an anchor's colour at one pixel, clamp(u + φ(u)·w), with hues on top, clamp(T(q)), clamp(T(q, d)), filters'
// or a screen's.
//
// The kernel supplies what lib/anchor.wgsl wants but `emit`, and the binding `weights`: 82 × vec4 w,
// then 256 × vec4 T (rgb, unused), then a vec4 with the weights of luma. `groups` says from bit 4 on what T is indexed with, 0 without one. A screen has
// its numbers in the place of w, a row of three channels each, and its thresholds in that of T.
// Includes lib/warp, for the middles of cells, and lib/filters.

const FIRST_KNOT = 82u;
const LAST_KNOT = 255.0;
const LUMA = 338u;

const LOOKUP_SHIFT = 4u;
const LOOKUP_LUMA = 2u;
const LOOKUP_SOFT_CHANNEL = 3u;
const LOOKUP_SOFT_LUMA = 4u;
const LOOKUP_GRADIENT = 5u;
const LOOKUP_LOCAL_CHANNEL = 6u;
const LOOKUP_LOCAL_LUMA = 7u;
const SCREEN = 8u;
const SCREENS = 9u;
const FILTERS_OF_CHANNEL = 10u;
const FILTERS_OF_LUMA = 11u;
const HUE = 12u;

// Of a local lookup: knots an axis, and the difference that is half way to the last.
const SIDE = 16u;
const BEND = 0.15;

// Of a hue lookup: knots around and along the lightness.
const HUES = 24u;
const LIGHTS = 9u;

// Of a screen: rows of its numbers, and how many blurs its tones are made of.
const SCREEN_DARK = 0u;
const SCREEN_LIGHT = 1u;
const SCREEN_LATTICE = 2u;
const SCREEN_GAINS = 6u;
const SCREEN_BLURS = 4u;

var<private> sum: vec3f;

fn luma(colour: vec3f) -> vec3f {
  return vec3f(dot(colour, weights[LUMA].rgb));
}

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
    q = luma(q);
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
    value = luma(value);
    around = luma(around);
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

// What a hue lookup adds to a colour: its chroma times T, by HSV's hue and HSL's lightness.
fn hued(colour: vec3f) -> vec3f {
  let most = max(colour.r, max(colour.g, colour.b));
  let least = min(colour.r, min(colour.g, colour.b));
  let chroma = most - least;
  if (chroma <= 0.0) {
    return vec3f(0.0);
  }
  var sixth = 4.0 + (colour.r - colour.g) / chroma;
  if (most == colour.r) {
    sixth = (colour.g - colour.b) / chroma;
  } else if (most == colour.g) {
    sixth = 2.0 + (colour.b - colour.r) / chroma;
  }
  let around = select(sixth, sixth + 6.0, sixth < 0.0) * (f32(HUES) / 6.0);
  let before = min(floor(around), f32(HUES - 1u));
  let up = (most + least) * (f32(LIGHTS - 1u) / 2.0);
  let below = min(floor(up), f32(LIGHTS - 2u));
  let near = FIRST_KNOT + u32(before) * LIGHTS + u32(below);
  let far = FIRST_KNOT + (u32(before) + 1u) % HUES * LIGHTS + u32(below);
  let one = mix(weights[near].rgb, weights[near + 1u].rgb, up - below);
  let other = mix(weights[far].rgb, weights[far + 1u].rgb, up - below);
  return chroma * mix(one, other, around - before);
}

// Weights of the knots before, at and after the middle one, which is `middle`.
fn spline(at: f32, middle: f32) -> vec3f {
  let t = at - middle;
  return vec3f(0.5 * (0.5 - t) * (0.5 - t), 0.75 - t * t, 0.5 * (0.5 + t) * (0.5 + t));
}

// The threshold of a channel at a place, which repeats as the channel's two frequencies say.
fn threshold_at(place: vec2f, channel: u32) -> f32 {
  let first = vec2f(weights[SCREEN_LATTICE][channel], weights[SCREEN_LATTICE + 1u][channel]);
  let second = vec2f(weights[SCREEN_LATTICE + 2u][channel], weights[SCREEN_LATTICE + 3u][channel]);
  if (all(first == vec2f(0.0))) {
    return weights[FIRST_KNOT][channel];
  }
  let at = fract(vec2f(dot(first, place), dot(second, place))) * f32(SIDE);
  let middle = floor(at + 0.5);
  let across = spline(at.x, middle.x);
  let down = spline(at.y, middle.y);
  let knot = vec2u(middle) + SIDE - 1u;
  var threshold = 0.0;
  for (var k = 0u; k < 3u; k++) {
    let line = FIRST_KNOT + (knot.x + k) % SIDE * SIDE;
    for (var n = 0u; n < 3u; n++) {
      threshold += across[k] * down[n] * weights[line + (knot.y + n) % SIDE][channel];
    }
  }
  return threshold;
}

fn screened(place: vec2f, colour: vec3f, field_size: u32, kind: u32) -> vec3f {
  let taps = taps_at(place, vec2u(field_size));
  let shared_tone = kind == SCREEN;
  var seen_tone = weights[SCREEN_GAINS].rgb * select(colour, luma(colour), shared_tone);
  for (var k = 0u; k < SCREEN_BLURS; k++) {
    let gain = weights[SCREEN_GAINS + 1u + k].rgb;
    if (any(gain != vec3f(0.0))) {
      let soft = vec3f(field(3u * k, taps), field(3u * k + 1u, taps), field(3u * k + 2u, taps));
      seen_tone += gain * select(soft, luma(soft), shared_tone);
    }
  }
  let middle = middle_of_cell(place);
  var threshold = vec3f(threshold_at(middle, 0u));
  if (!shared_tone) {
    threshold.y = threshold_at(middle, 1u);
    threshold.z = threshold_at(middle, 2u);
  }
  let share = clamp(0.5 + seen_tone - threshold, vec3f(0.0), vec3f(1.0));
  return mix(weights[SCREEN_DARK].rgb, weights[SCREEN_LIGHT].rgb, share);
}

fn anchored_colour(place: vec2f, colour: vec3f, field_size: u32, groups: u32) -> vec3f {
  let kind = groups >> LOOKUP_SHIFT;
  if (kind == 0u || kind == HUE) {
    sum = colour;
    anchor_features(place, colour, field_size, groups);
    if (kind == HUE) {
      sum += hued(colour);
    }
  } else if (kind >= FILTERS_OF_CHANNEL) {
    sum = filtered(place, field_size, kind == FILTERS_OF_LUMA);
  } else if (kind >= SCREEN) {
    sum = screened(place, colour, field_size, kind);
  } else if (kind >= LOOKUP_LOCAL_CHANNEL) {
    sum = look_up_local(place, colour, field_size, kind);
  } else {
    sum = look_up(lookup_index(place, colour, field_size, kind));
  }
  return clamp(sum, vec3f(0.0), vec3f(1.0));
}
