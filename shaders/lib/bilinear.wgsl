// Library: the four edge-clamped taps of a bilinear sample.
//
// A place is (u, v) in 0..1; the centre of pixel i of n is at (i + 0.5) / n. `index` counts pixels
// row by row: upper left, upper right, lower left, lower right.

struct Taps {
  index: vec4u,
  weight: vec4f,
}

fn taps_at(place: vec2f, size: vec2u) -> Taps {
  let position = place * vec2f(size) - 0.5;
  let low = floor(position);
  let rest = position - low;
  let last = vec2f(size) - 1.0;
  let first = vec2u(clamp(low, vec2f(0.0), last));
  let second = vec2u(clamp(low + 1.0, vec2f(0.0), last));
  return Taps(
    vec4u(
      first.y * size.x + first.x,
      first.y * size.x + second.x,
      second.y * size.x + first.x,
      second.y * size.x + second.x,
    ),
    vec4f(
      (1.0 - rest.x) * (1.0 - rest.y),
      rest.x * (1.0 - rest.y),
      (1.0 - rest.x) * rest.y,
      rest.x * rest.y,
    ),
  );
}
