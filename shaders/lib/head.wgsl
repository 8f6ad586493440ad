// Library: the head of docs/architecture.md at one place.
//
// The kernel supplies `source(place) -> vec3f` (b, sampled bilinearly) and the bindings `grid`
// ([14, G, G]) and `maps` ([5, S, S]), both arrays of `prediction`, the type the denoiser writes.

struct Maps {
  residual: vec3f,
  gate: f32,
  gain: f32,
}

fn maps_at(index: u32, model_size: u32) -> Maps {
  let plane = model_size * model_size;
  return Maps(
    vec3f(f32(maps[index]), f32(maps[plane + index]), f32(maps[2u * plane + index])),
    f32(maps[3u * plane + index]),
    f32(maps[4u * plane + index]),
  );
}

fn grid_at(channel: u32, taps: Taps, grid_size: u32) -> f32 {
  let base = channel * grid_size * grid_size;
  return dot(taps.weight, vec4f(
    f32(grid[base + taps.index.x]),
    f32(grid[base + taps.index.y]),
    f32(grid[base + taps.index.z]),
    f32(grid[base + taps.index.w]),
  ));
}

fn grid_row(channel: u32, taps: Taps, grid_size: u32) -> vec4f {
  return vec4f(
    grid_at(channel, taps, grid_size),
    grid_at(channel + 1u, taps, grid_size),
    grid_at(channel + 2u, taps, grid_size),
    grid_at(channel + 3u, taps, grid_size),
  );
}

// The edit at strength 1.
fn head_edit(place: vec2f, anchor: vec3f, here: Maps, grid_size: u32) -> vec3f {
  var edit = (1.0 - here.gate) * anchor + here.gain * here.residual;
  // A closed gate leaves the anchor: most of many pictures, and the warp is the costly part.
  if (here.gate != 0.0) {
    let taps = taps_at(place, vec2u(grid_size));
    let shift = vec2f(grid_at(12u, taps, grid_size), grid_at(13u, taps, grid_size));
    let moved = source(place + shift);
    let lifted = vec4f(moved, 1.0);
    let drawn = moved + vec3f(
      dot(grid_row(0u, taps, grid_size), lifted),
      dot(grid_row(4u, taps, grid_size), lifted),
      dot(grid_row(8u, taps, grid_size), lifted),
    );
    edit += here.gate * drawn;
  }
  return clamp(edit, vec3f(0.0), vec3f(1.0));
}

// The nearest colour on the pair's line; none where the way is nowhere.
fn on_line(colour: vec3f, origin: vec3f, way: vec3f) -> vec3f {
  if (all(way == vec3f(0.0))) {
    return colour;
  }
  return clamp(origin + way * dot(colour - origin, way), vec3f(0.0), vec3f(1.0));
}

fn with_strength(own: vec3f, edit: vec3f, strength: f32) -> vec3f {
  return clamp(own + strength * (edit - own), vec3f(0.0), vec3f(1.0));
}
