// The means of the cells of an image at its own size.
//
// in   image   packed RGBA8, width × height; its alpha is not looked at
// out  means   f32 [3, rows, columns]
// A workgroup for each cell: its lanes take turns at the cell's pixels. Includes lib/cells.

@group(0) @binding(1) var<storage, read> image: array<u32>;
@group(0) @binding(2) var<storage, read_write> means: array<f32>;

fn pixel_at(x: u32, y: u32) -> vec3f {
  return unpack4x8unorm(image[y * params.width + x]).rgb;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) cell: vec3u, @builtin(local_invocation_index) lane: u32) {
  mean_of_cell(cell.xy, lane);
}
