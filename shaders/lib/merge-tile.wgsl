// Library: what a merge is of, and which tile of which target a workgroup makes.
//
// in   terms    workgroups along x, then per target (in, lanes of out, where in base, a and b it begins,
//               where its terms begin and how many there are), then per term (element, c·scale as
//               f32 bits)
//      a        `factor` [N, in, r] of each target
//      b        `factor_lane` [N, r, lanes] of each
// A lane is four neighbouring outputs when out is a multiple of 4, one otherwise.
// A workgroup makes one tile of TILE_ROWS × TILE_LANES, which the kernel supplies. z is the target; x and
// y count its tiles row by row, up to those of the target that has the most, so some have none to make.
// gpu/merge.ts supplies `load` and `store` of the outputs and the preamble: alias lane, wide, factor,
// factor_lane; RANK.

const HEADER = 1u;
const TARGET = 7u;

@group(0) @binding(0) var<storage, read> terms: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<factor>;
@group(0) @binding(2) var<storage, read> b: array<factor_lane>;

struct Tile {
  output: u32,
  inputs: u32,
  // None: the target has no such tile.
  lanes: u32,
  // Where the target begins.
  base: u32,
  a: u32,
  b: u32,
  first_term: u32,
  terms: u32,
  // Of the tile, in the target.
  row: u32,
  lane: u32,
}

fn tile_of(group: vec3u) -> Tile {
  let at = HEADER + group.z * TARGET;
  let inputs = terms[at];
  let lanes = terms[at + 1u];
  let number = group.y * terms[0] + group.x;
  let across = (lanes + TILE_LANES - 1u) / TILE_LANES;
  let row = number / across * TILE_ROWS;
  if (row >= inputs) {
    return Tile();
  }
  return Tile(
    group.z,
    inputs,
    lanes,
    terms[at + 2u],
    terms[at + 3u],
    terms[at + 4u],
    terms[at + 5u],
    terms[at + 6u],
    row,
    number % across * TILE_LANES,
  );
}
