// Gram matrices XᵀX of the anchor's columns, one for each of the 4 × 4 blocks of the pair.
//
// in   columns   f32 [85, S²]
// out  gram      f32 [16, 85, 85], block = row · 4 + column
// A matrix product with the sum over a block's pixels. A workgroup makes one 32 × 32 tile of one
// block's matrix: 8 × 8 invocations, each 4 × 4 values in registers, fed from 32 pixels of 2 × 32
// columns in workgroup memory (8 KiB). Only tiles on or below the diagonal run (6 of 9), and each
// value is written to both its places. Every 32 pixels' partial sums are added up first: f32 sums of
// thousands of terms would lose the digits that the smallest ridge (10⁻⁶) needs.
// Dispatch: x = tile 0..5, y = block.

const COLUMNS = 85u;
const TILE = 32u;
const QUADS = 8u;
const CHUNK = 32u;

struct Params {
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> columns: array<f32>;
@group(0) @binding(2) var<storage, read_write> gram: array<f32>;

// [pixel][quad of columns]
var<workgroup> left: array<vec4f, CHUNK * QUADS>;
var<workgroup> right: array<vec4f, CHUNK * QUADS>;

fn value_at(column: u32, pixel: u32) -> f32 {
  if (column >= COLUMNS) {
    return 0.0;
  }
  return columns[column * params.size * params.size + pixel];
}

fn quad_at(column: u32, pixel: u32) -> vec4f {
  return vec4f(
    value_at(column, pixel),
    value_at(column + 1u, pixel),
    value_at(column + 2u, pixel),
    value_at(column + 3u, pixel),
  );
}

fn block_edge(i: u32) -> u32 {
  return (i * params.size + 3u) / 4u;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let block = vec2u(group.y % 4u, group.y / 4u);
  // Tiles in the order (0,0) (1,0) (1,1) (2,0) (2,1) (2,2).
  let tile_row = select(select(2u, 1u, group.x < 3u), 0u, group.x == 0u);
  let tile_column = group.x - tile_row * (tile_row + 1u) / 2u;
  let first = vec2u(block_edge(block.x), block_edge(block.y));
  let end = vec2u(block_edge(block.x + 1u), block_edge(block.y + 1u));
  let width = end.x - first.x;
  let pixels = width * (end.y - first.y);

  let row_quad = local / QUADS;
  let column_quad = local % QUADS;
  var sums: array<vec4f, 4>;
  for (var start = 0u; start < pixels; start += CHUNK) {
    // 256 quads a side, four for each invocation; neighbours read neighbouring pixels.
    for (var load = local; load < CHUNK * QUADS; load += 64u) {
      let at = start + load % CHUNK;
      let quad = load / CHUNK;
      var l = vec4f(0.0);
      var r = vec4f(0.0);
      if (at < pixels) {
        let pixel = (first.y + at / width) * params.size + first.x + at % width;
        l = quad_at(tile_row * TILE + quad * 4u, pixel);
        r = quad_at(tile_column * TILE + quad * 4u, pixel);
      }
      left[(load % CHUNK) * QUADS + quad] = l;
      right[(load % CHUNK) * QUADS + quad] = r;
    }
    workgroupBarrier();
    // Zeroed by name: Dawn of 2026 does not clear a `var` without a value anew in each iteration.
    var parts = array<vec4f, 4>();
    for (var k = 0u; k < CHUNK; k++) {
      let l = left[k * QUADS + row_quad];
      let r = right[k * QUADS + column_quad];
      parts[0] += l.x * r;
      parts[1] += l.y * r;
      parts[2] += l.z * r;
      parts[3] += l.w * r;
    }
    for (var i = 0u; i < 4u; i++) {
      sums[i] += parts[i];
    }
    workgroupBarrier();
  }

  let base = group.y * COLUMNS * COLUMNS;
  for (var i = 0u; i < 4u; i++) {
    let row = tile_row * TILE + row_quad * 4u + i;
    for (var j = 0u; j < 4u; j++) {
      let column = tile_column * TILE + column_quad * 4u + j;
      // On a diagonal tile both places are the tile's own: the lower value fills them.
      if (row < COLUMNS && column <= row) {
        gram[base + row * COLUMNS + column] = sums[i][j];
        gram[base + column * COLUMNS + row] = sums[i][j];
      }
    }
  }
}
