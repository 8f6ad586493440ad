// Library: `source`, `pixel_of` and `seen` for kernels at the model's size, whose image is planar f32.
//
// The kernel supplies the binding `planes` ([3, S, S]) and the function `model_size() -> u32`.

fn plane_at(channel: u32, index: u32) -> f32 {
  return planes[channel * model_size() * model_size() + index];
}

fn colour_at(index: u32) -> vec3f {
  return vec3f(plane_at(0u, index), plane_at(1u, index), plane_at(2u, index));
}

fn pixel_of(at: vec2u) -> vec3f {
  return colour_at(at.y * model_size() + at.x);
}

fn source(place: vec2f) -> vec3f {
  let taps = taps_at(place, vec2u(model_size()));
  return taps.weight.x * colour_at(taps.index.x) + taps.weight.y * colour_at(taps.index.y) +
    taps.weight.z * colour_at(taps.index.z) + taps.weight.w * colour_at(taps.index.w);
}

// At this size a warp has its own kernel: the anchor's planes are moved already.
fn seen(place: vec2f) -> vec3f {
  return source(place);
}
