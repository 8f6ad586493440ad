// Library: `source`, `pixel_of` and `seen` for kernels that read an image at its own size.
//
// The kernel supplies the binding `image`, packed RGBA8 of `image_size() -> vec2u`, and what lib/warp.wgsl
// wants. Includes lib/bilinear, lib/warp.

fn sample_image(place: vec2f) -> vec4f {
  let taps = taps_at(place, image_size());
  return taps.weight.x * unpack4x8unorm(image[taps.index.x]) +
    taps.weight.y * unpack4x8unorm(image[taps.index.y]) +
    taps.weight.z * unpack4x8unorm(image[taps.index.z]) +
    taps.weight.w * unpack4x8unorm(image[taps.index.w]);
}

fn pixel_of(at: vec2u) -> vec3f {
  return unpack4x8unorm(image[at.y * image_size().x + at.x]).rgb;
}

fn source(place: vec2f) -> vec3f {
  return sample_image(place).rgb;
}

fn seen(place: vec2f) -> vec3f {
  if (!warps()) {
    return source(place);
  }
  return moved_colour(place, vec2f(image_size()));
}
