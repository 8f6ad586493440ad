// Library: the anchor's warp, where it reads and what it finds there.
//
// The kernel supplies `model_size() -> u32`, `source(place: vec2f) -> vec3f`, the image sampled bilinearly, and
// the bindings `warp`, uniform, 21 × (along x, along y, unused) in the order of Horner's scheme, from y⁵ to y⁰
// and of each from its highest power of x to x⁰; then (r, g, b, outside), where outside is 0 without a warp;
// and `matches`, f32 [6, S, S], read only where outside is MATCHED. Where it is CELLS, the first two of `warp` are
// the cells' pitch and origin in parts of the picture, and the first column and row and how many there are, and
// `matches` are their means, f32 [3, rows, columns]. Where it is CHANNELS, the first nine are 1, x and y of red, of green
// and of blue. Where it is KERNEL, they are its 9 × 9 shares, row by row, of the pixels around a pixel; the kernel
// supplies `pixel_of(at: vec2u) -> vec3f`. Includes lib/bilinear.

const WARP_DEGREE = 5u;
const WARP_OUTSIDE = 21u;
const OUTSIDE_WRAP = 2.0;
const OUTSIDE_COLOUR = 3.0;
const MATCHED = 4.0;
const CELLS = 5.0;
const CHANNELS = 6.0;
const KERNEL = 7.0;
const KERNEL_RADIUS = 4;
// Matches that read further apart than this many of their pixels are of different parts: none is blended.
const TORN = 2.0;

fn warps() -> bool {
  return warp[WARP_OUTSIDE].w != 0.0;
}

// The number of the cell that a place is in.
fn cell_at(place: vec2f) -> vec2f {
  return floor((place - warp[0].zw) / warp[0].xy);
}

// A place, or the middle of its cell where there are cells.
fn middle_of_cell(place: vec2f) -> vec2f {
  if (warp[WARP_OUTSIDE].w != CELLS) {
    return place;
  }
  return (cell_at(place) + 0.5) * warp[0].xy + warp[0].zw;
}

fn cell_colour(place: vec2f) -> vec3f {
  let size = vec2u(warp[1].zw);
  let cell = vec2u(clamp(cell_at(place) - warp[1].xy, vec2f(0.0), vec2f(size - 1u)));
  let at = cell.y * size.x + cell.x;
  let plane = size.x * size.y;
  return vec3f(matches[at], matches[plane + at], matches[2u * plane + at]);
}

// Where the match of a pixel says that a place is read.
fn said_of(index: u32, place: vec2f) -> vec2f {
  let size = model_size();
  let plane = size * size;
  let off = 2.0 * (place - (vec2f(vec2u(index % size, index / size)) + 0.5) / f32(size));
  return vec2f(matches[index], matches[plane + index]) + vec2f(
    matches[2u * plane + index] * off.x + matches[3u * plane + index] * off.y,
    matches[4u * plane + index] * off.x + matches[5u * plane + index] * off.y,
  );
}

// Bilinear in what the four matches around a place say of it, of those that agree with the nearest.
fn matched_position(place: vec2f) -> vec2f {
  let size = model_size();
  let taps = taps_at(place, vec2u(size));
  let rest = fract(place * f32(size) - 0.5);
  let near = said_of(taps.index[select(0u, 1u, rest.x > 0.5) + select(0u, 2u, rest.y > 0.5)], place);
  var sum = vec3f(0.0);
  for (var tap = 0u; tap < 4u; tap++) {
    let said = said_of(taps.index[tap], place);
    let apart = abs(said - near);
    if (max(apart.x, apart.y) <= 2.0 * TORN / f32(size)) {
      sum += taps.weight[tap] * vec3f(said, 1.0);
    }
  }
  return sum.xy / sum.z;
}

// Where the warp reads for a place in 0..1, as a position: −1..1 inside.
fn warped_position(place: vec2f) -> vec2f {
  if (warp[WARP_OUTSIDE].w == MATCHED) {
    return matched_position(place);
  }
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

// A place, mirrored until it is inside.
fn mirrored(place: vec2f) -> vec2f {
  return 1.0 - abs(1.0 - 2.0 * fract(0.5 * place));
}

// A channel of the image where it reads for a place.
fn channel_at(place: vec2f, c: u32) -> f32 {
  let p = 2.0 * place - 1.0;
  let s = p + warp[3u * c].xy + warp[3u * c + 1u].xy * p.x + warp[3u * c + 2u].xy * p.y;
  return source(mirrored(0.5 * s + 0.5))[c];
}

// The pixel that a place is in, filtered; `size` is the image's in pixels.
fn filtered_colour(place: vec2f, size: vec2f) -> vec3f {
  let last = vec2i(size) - 1;
  let middle = vec2i(floor(place * size));
  var sum = vec3f(0.0);
  var k = 0u;
  for (var j = -KERNEL_RADIUS; j <= KERNEL_RADIUS; j++) {
    for (var i = -KERNEL_RADIUS; i <= KERNEL_RADIUS; i++) {
      sum += warp[k / 4u][k % 4u] * pixel_of(vec2u(clamp(middle + vec2i(i, j), vec2i(0), last)));
      k++;
    }
  }
  return sum;
}

// The moved image at a place; `size` is the image's in pixels.
fn moved_colour(place: vec2f, size: vec2f) -> vec3f {
  let outside = warp[WARP_OUTSIDE];
  if (outside.w == CELLS) {
    return cell_colour(place);
  }
  if (outside.w == KERNEL) {
    return filtered_colour(place, size);
  }
  if (outside.w == CHANNELS) {
    return vec3f(channel_at(place, 0u), channel_at(place, 1u), channel_at(place, 2u));
  }
  let s = warped_position(place);
  let to = 0.5 * s + 0.5;
  let colour = source(select(mirrored(to), fract(to), outside.w == OUTSIDE_WRAP));
  let beyond = 0.5 * size * (1.0 - abs(s));
  let coverage = clamp(0.5 + min(beyond.x, beyond.y), 0.0, 1.0);
  return mix(outside.rgb, colour, select(1.0, coverage, outside.w == OUTSIDE_COLOUR));
}
