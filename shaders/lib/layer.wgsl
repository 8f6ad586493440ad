// Library: what an anchor lays over what it made.
//
// The kernel supplies the binding `layer`, packed RGBA8 of `layer_size() -> vec2u`, r, g, b times alpha, and a
// width of 0 where there is none; it is stretched over the picture. Includes lib/bilinear.

fn laid_over(place: vec2f, colour: vec3f) -> vec3f {
  let size = layer_size();
  if (size.x == 0u) {
    return colour;
  }
  let taps = taps_at(place, size);
  let here = taps.weight.x * unpack4x8unorm(layer[taps.index.x]) +
    taps.weight.y * unpack4x8unorm(layer[taps.index.y]) +
    taps.weight.z * unpack4x8unorm(layer[taps.index.z]) +
    taps.weight.w * unpack4x8unorm(layer[taps.index.w]);
  return colour * (1.0 - here.a) + here.rgb;
}
