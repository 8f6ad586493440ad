// Library: the mean of each cell of a picture, a workgroup for each, and the kernels that use it.
//
// params   width, height of the picture, columns, rows; then the first column's and row's number, pitch and origin,
//          in parts of the picture
// The kernel supplies `pixel_at(x: u32, y: u32) -> vec3f` and the binding `means`, f32 [3, rows, columns].

struct Params {
  width: u32,
  height: u32,
  columns: u32,
  rows: u32,
  first_x: f32,
  first_y: f32,
  pitch_x: f32,
  pitch_y: f32,
  origin_x: f32,
  origin_y: f32,
}

@group(0) @binding(0) var<uniform> params: Params;

const LANES = 64u;

var<workgroup> sums: array<vec4f, LANES>;

// The first pixel of an axis of `length` that is in cell `cell` or after it.
fn first_pixel(cell: f32, pitch: f32, origin: f32, length: u32) -> u32 {
  let edge = (origin + cell * pitch) * f32(length) - 0.5;
  return u32(clamp(ceil(edge - 1e-3), 0.0, f32(length)));
}

fn mean_of_cell(cell: vec2u, lane: u32) {
  let column = params.first_x + f32(cell.x);
  let row = params.first_y + f32(cell.y);
  let left = first_pixel(column, params.pitch_x, params.origin_x, params.width);
  let right = first_pixel(column + 1.0, params.pitch_x, params.origin_x, params.width);
  let top = first_pixel(row, params.pitch_y, params.origin_y, params.height);
  let bottom = first_pixel(row + 1.0, params.pitch_y, params.origin_y, params.height);
  let across = right - left;
  let count = across * (bottom - top);
  var sum = vec4f(0.0);
  for (var k = lane; k < count; k += LANES) {
    sum += vec4f(pixel_at(left + k % across, top + k / across), 1.0);
  }
  sums[lane] = sum;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0u) {
    let mean = sums[0].rgb / max(1.0, sums[0].w);
    let plane = params.columns * params.rows;
    let at = cell.y * params.columns + cell.x;
    means[at] = mean.r;
    means[plane + at] = mean.g;
    means[2u * plane + at] = mean.b;
  }
}
