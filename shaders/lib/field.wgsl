// Library: bilinear samples of the anchor's fields; the kernel supplies the binding `fields`
// ([18, S, S]: blurs of five widths, then the gradient) and `model_size() -> u32`.

fn field(channel: u32, taps: Taps) -> f32 {
  let base = channel * model_size() * model_size();
  return dot(taps.weight, vec4f(
    fields[base + taps.index.x],
    fields[base + taps.index.y],
    fields[base + taps.index.z],
    fields[base + taps.index.w],
  ));
}
