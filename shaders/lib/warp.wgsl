// Library: the anchor's warp, where it reads and what it finds there.
//
// The kernel supplies `source(place: vec2f) -> vec3f`, the image sampled bilinearly, and the uniform
// binding `warp`: 21 × (along x, along y, unused) in the order of Horner's scheme, from y⁵ to y⁰ and of
// each from its highest power of x to x⁰; then (r, g, b, outside), where outside is 0 without a warp.

const WARP_DEGREE = 5u;
const WARP_OUTSIDE = 21u;
const OUTSIDE_WRAP = 2.0;
const OUTSIDE_COLOUR = 3.0;

fn warps() -> bool {
  return warp[WARP_OUTSIDE].w != 0.0;
}

// Where the warp reads for a place in 0..1, as a position: −1..1 inside.
fn warped_position(place: vec2f) -> vec2f {
  let p = 2.0 * place - 1.0;
  var displacement = vec2f(0.0);
  var k = 0u;
  for (var most = 0u; most <= WARP_DEGREE; most++) {
    var row = vec2f(0.0);
    for (var i = 0u; i <= most; i++) {
      row = row * p.x + warp[k].xy;
      k++;
    }
    displacement = displacement * p.y + row;
  }
  return p + displacement;
}

// The moved image at a place; `size` is the image's in pixels.
fn moved_colour(place: vec2f, size: vec2f) -> vec3f {
  let outside = warp[WARP_OUTSIDE];
  let s = warped_position(place);
  let to = 0.5 * s + 0.5;
  let mirrored = 1.0 - abs(1.0 - 2.0 * fract(0.5 * to));
  let colour = source(select(mirrored, fract(to), outside.w == OUTSIDE_WRAP));
  let beyond = 0.5 * size * (1.0 - abs(s));
  let coverage = clamp(0.5 + min(beyond.x, beyond.y), 0.0, 1.0);
  return mix(outside.rgb, colour, select(1.0, coverage, outside.w == OUTSIDE_COLOUR));
}
