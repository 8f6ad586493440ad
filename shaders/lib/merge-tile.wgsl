// Library: what a merge is of, and which tile of which target a workgroup makes.
//
// in   terms    header (targets, workgroups along x, workgroups), then per target (its first
//               workgroup, in, lanes of out, where in base, a and b it begins, where its terms
//               begin and how many there are), then per term (element, c·scale as f32 bits)
//      a        `factor` [N, in, r] of each target
//      b        `factor_lane` [N, r, lanes] of each
// A lane is four neighbouring outputs when out is a multiple of 4, one otherwise.
// The kernel supplies TILE_ROWS and TILE_LANES and is dispatched as the targets' tiles one after the
// other, each in rows of tiles of lanes; gpu/merge.ts supplies `load` and `store` of the outputs and
// the preamble: alias lane, wide, factor, factor_lane; RANK.

const HEADER = 3u;
const TARGET = 8u;

@group(0) @binding(0) var<storage, read> terms: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<factor>;
@group(0) @binding(2) var<storage, read> b: array<factor_lane>;

struct Tile {
  output: u32,
  inputs: u32,
  // None: the workgroup is past the last tile.
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
  let number = group.y * terms[1] + group.x;
  if (number >= terms[2]) {
    return Tile();
  }
  var output = 0u;
  while (output + 1u < terms[0] && number >= terms[HEADER + (output + 1u) * TARGET]) {
    output++;
  }
  let at = HEADER + output * TARGET;
  let lanes = terms[at + 2u];
  let across = (lanes + TILE_LANES - 1u) / TILE_LANES;
  let own = number - terms[at];
  return Tile(
    output,
    terms[at + 1u],
    lanes,
    terms[at + 3u],
    terms[at + 4u],
    terms[at + 5u],
    terms[at + 6u],
    terms[at + 7u],
    own / across * TILE_ROWS,
    own % across * TILE_LANES,
  );
}
