// The means of the cells of a picture at the model's size.
//
// in   planes  f32 [3, S, S]
// out  means   f32 [3, rows, columns]
// A workgroup for each cell: its lanes take turns at the cell's pixels. Includes lib/cells.

@group(0) @binding(1) var<storage, read> planes: array<f32>;
@group(0) @binding(2) var<storage, read_write> means: array<f32>;

fn pixel_at(x: u32, y: u32) -> vec3f {
  let plane = params.width * params.height;
  let at = y * params.width + x;
  return vec3f(planes[at], planes[plane + at], planes[2u * plane + at]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) cell: vec3u, @builtin(local_invocation_index) lane: u32) {
  mean_of_cell(cell.xy, lane);
}
