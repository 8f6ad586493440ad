// Library: the taps of `prepare`'s tent filter on one axis (docs/architecture.md).
//
// Output sample `i` of `to` reads input samples first..end-1 of `from` with weights that still have
// to be divided by their sum: PyTorch's antialiased bilinear interpolation.

struct Tent {
  first: u32,
  end: u32,
  centre: f32,
  support: f32,
}

fn tent_at(i: u32, from_size: u32, to_size: u32) -> Tent {
  let scale = f32(from_size) / f32(to_size);
  let support = max(scale, 1.0);
  let centre = (f32(i) + 0.5) * scale;
  let first = max(0, i32(floor(centre - support + 0.5)));
  let end = min(i32(from_size), i32(floor(centre + support + 0.5)));
  return Tent(u32(first), u32(end), centre, support);
}

fn tent_weight(tent: Tent, j: u32) -> f32 {
  return max(0.0, 1.0 - abs(f32(j) - tent.centre + 0.5) / tent.support);
}
