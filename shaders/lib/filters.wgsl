// Library: the sum of what a table makes of each of sixteen filters of the pixels around one.
//
// The kernel supplies what lib/anchored.wgsl wants, `pixel_of(at: vec2u) -> vec3f` and `image_size() -> vec2u`. With a
// lookup of filters the rows of `weights` that are else of features are: for the offsets −4..4 a tap of the finer
// Gaussian and of its difference, of the coarser one and of its; then, for 0..4 below the middle, how far the four discs
// go, −1 for not at all. T has sixteen knots for each filter.

const FILTER_KNOTS = 16u;
const FILTER_RADIUS = 4;
const FIRST_DISC = 9u;
const FILTER_BEND = 0.1;
const FILTER_STEEP = 0.05;
// Of the fields, the blurs that a pixel is compared with.
const WIDE = vec2u(3u, 9u);

fn bent(off: vec3f) -> vec3f {
  return 0.5 + 0.5 * off / (abs(off) + FILTER_BEND);
}

fn steepness(across: vec3f, down: vec3f) -> vec3f {
  let steep = sqrt(across * across + down * down);
  return steep / (steep + FILTER_STEEP);
}

fn filter_table(filter_number: u32, response: vec3f) -> vec3f {
  let position = clamp(response, vec3f(0.0), vec3f(1.0)) * f32(FILTER_KNOTS - 1u);
  let low = min(floor(position), vec3f(f32(FILTER_KNOTS - 2u)));
  let knot = FIRST_KNOT + filter_number * FILTER_KNOTS + vec3u(low);
  return mix(knots(knot), knots(knot + 1u), position - low);
}

fn pixel_near(middle: vec2i, off: vec2i, of_luma: bool) -> vec3f {
  let colour = pixel_of(vec2u(clamp(middle + off, vec2i(0), vec2i(image_size()) - 1)));
  return select(colour, luma(colour), of_luma);
}

fn filtered(place: vec2f, field_size: u32, of_luma: bool) -> vec3f {
  let middle = vec2i(floor(place * vec2f(image_size())));
  let value = pixel_near(middle, vec2i(0), of_luma);
  var fine = vec3f(0.0);
  var fine_across = vec3f(0.0);
  var fine_down = vec3f(0.0);
  var coarse = vec3f(0.0);
  var coarse_across = vec3f(0.0);
  var coarse_down = vec3f(0.0);
  // The greatest and the least of the four discs, written out: an array that a loop writes is kept in memory.
  var most1 = value;
  var most2 = value;
  var most3 = value;
  var most4 = value;
  var least1 = value;
  var least2 = value;
  var least3 = value;
  var least4 = value;
  for (var j = -FILTER_RADIUS; j <= FILTER_RADIUS; j++) {
    let down = weights[u32(j + FILTER_RADIUS)];
    let reach = weights[FIRST_DISC + u32(abs(j))];
    for (var i = -FILTER_RADIUS; i <= FILTER_RADIUS; i++) {
      let across = weights[u32(i + FILTER_RADIUS)];
      let near = pixel_near(middle, vec2i(i, j), of_luma);
      fine += across.x * down.x * near;
      fine_across += across.y * down.x * near;
      fine_down += across.x * down.y * near;
      coarse += across.z * down.z * near;
      coarse_across += across.w * down.z * near;
      coarse_down += across.z * down.w * near;
      let inside = vec4f(f32(abs(i))) <= reach;
      most1 = select(most1, max(most1, near), inside.x);
      most2 = select(most2, max(most2, near), inside.y);
      most3 = select(most3, max(most3, near), inside.z);
      most4 = select(most4, max(most4, near), inside.w);
      least1 = select(least1, min(least1, near), inside.x);
      least2 = select(least2, min(least2, near), inside.y);
      least3 = select(least3, min(least3, near), inside.z);
      least4 = select(least4, min(least4, near), inside.w);
    }
  }
  let across = pixel_near(middle, vec2i(1, 0), of_luma) - pixel_near(middle, vec2i(-1, 0), of_luma);
  let down = pixel_near(middle, vec2i(0, 1), of_luma) - pixel_near(middle, vec2i(0, -1), of_luma);
  var made = filter_table(0u, value) + filter_table(1u, bent(value - fine)) + filter_table(2u, bent(fine - coarse));
  made += filter_table(3u, steepness(0.5 * across, 0.5 * down));
  made += filter_table(4u, steepness(fine_across, fine_down));
  made += filter_table(5u, steepness(coarse_across, coarse_down));
  made += filter_table(6u, most1) + filter_table(7u, least1) + filter_table(8u, most2) + filter_table(9u, least2);
  made += filter_table(10u, most3) + filter_table(11u, least3) + filter_table(12u, most4) + filter_table(13u, least4);
  let taps = taps_at(place, vec2u(field_size));
  for (var k = 0u; k < 2u; k++) {
    let blur = WIDE[k];
    let soft = vec3f(field(blur, taps), field(blur + 1u, taps), field(blur + 2u, taps));
    made += filter_table(14u + k, bent(value - select(soft, luma(soft), of_luma)));
  }
  return made;
}
