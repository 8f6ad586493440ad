// Library: the anchor features φ of docs/architecture.md at one pixel.
//
// The kernel that includes this supplies
//   fn seen(place: vec2f) -> vec3f             the image that the anchor reads, sampled bilinearly
//   fn field(channel: u32, taps: Taps) -> f32  blurs and gradients, [18, S, S], at bilinear taps
//   fn emit(index: u32, value: f32)            takes one feature
// so that the same definition fills the columns of the fit and evaluates an anchor. `groups` says
// which features any weight needs; it is uniform, so the branches cost nothing.

const GROUP_HINGES = 1u;
const GROUP_LIGHT = 2u;
const GROUP_FIELDS = 4u;
const GROUP_COPIES = 8u;

fn emit_colour(index: u32, colour: vec3f) {
  emit(index, colour.r);
  emit(index + 1u, colour.g);
  emit(index + 2u, colour.b);
}

fn emit_hinges(index: u32, value: f32) {
  emit(index, max(0.0, value - 0.2));
  emit(index + 1u, max(0.0, value - 0.4));
  emit(index + 2u, max(0.0, value - 0.6));
  emit(index + 3u, max(0.0, value - 0.8));
}

fn emit_light(index: u32, term: f32, colour: vec3f) {
  emit(index, term);
  emit_colour(index + 1u, term * colour);
}

fn anchor_features(place: vec2f, colour: vec3f, field_size: u32, groups: u32) {
  emit(0u, 1.0);
  emit_colour(1u, colour);
  emit_colour(4u, colour * colour);
  emit(7u, colour.r * colour.g);
  emit(8u, colour.r * colour.b);
  emit(9u, colour.g * colour.b);

  if ((groups & GROUP_HINGES) != 0u) {
    emit_hinges(10u, colour.r);
    emit_hinges(14u, colour.g);
    emit_hinges(18u, colour.b);
  }

  if ((groups & GROUP_LIGHT) != 0u) {
    let p = 2.0 * place - 1.0;
    let square = p * p;
    let radius = square.x + square.y;
    emit_light(22u, p.x, colour);
    emit_light(26u, p.y, colour);
    emit_light(30u, square.x, colour);
    emit_light(34u, square.y, colour);
    emit_light(38u, p.x * p.y, colour);
    emit_light(42u, radius * radius, colour);
  }

  // Loops whose length only the uniform says: unrolled, software drivers compile them for minutes.
  let fields_used = select(0u, 15u, (groups & GROUP_FIELDS) != 0u);
  let taps = taps_at(place, vec2u(field_size));
  for (var c = 0u; c < fields_used; c++) {
    // The widest blur, fields 12–14, is no feature.
    emit(46u + c, field(select(c, c + 3u, c >= 12u), taps));
  }

  let copies_used = select(0u, 7u, (groups & GROUP_COPIES) != 0u);
  for (var c = 0u; c < copies_used; c++) {
    let turned = select(place, place.yx, c >= 3u);
    let mirrored = vec2<bool>((c & 1u) == 0u, (c >= 1u && c <= 3u) || c == 6u);
    emit_colour(61u + 3u * c, seen(select(turned, 1.0 - turned, mirrored)));
  }
}
