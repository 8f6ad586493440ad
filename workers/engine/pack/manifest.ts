/** The schema of `manifest.json`, format `likewise-pack/1`; see docs/pack-format.md. */
import * as v from 'valibot';
import { EngineFailure } from '../errors';

const REMEDY = 'Ask whoever made the pack for a corrected copy, or load another pack.';

const count = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
const word = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

/** A path inside the pack: every step starts with a letter or digit, so no `..`, `/`, scheme or query. */
const path = v.pipe(word, v.regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, 'is not a plain relative path'));

const graphs = v.strictObject({ fp32: path, fp16: v.optional(path) });

/** What comes of noise with a seed. */
const values = v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1), v.maxLength(256));
const probe = v.strictObject({
  seed: v.pipe(v.number(), v.integer(), v.minValue(0)),
  grid: values,
  maps: values,
});

const schema = v.strictObject({
  format: v.literal('likewise-pack/1'),
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is not a lower-case id')),
  name: word,
  version: word,
  licence: word,
  attribution: v.string(),
  files: v.pipe(
    v.array(
      v.strictObject({
        path,
        size: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 36)),
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is not a lower-case SHA-256')),
      }),
    ),
    v.minLength(1),
  ),
  image: v.strictObject({ size: v.pipe(count(4096), v.multipleOf(4)) }),
  encoder: v.strictObject({
    graphs,
    weights: path,
    inputs: v.strictObject({ images: word }),
    outputs: v.strictObject({ features: word }),
    features: count(65536),
    query: v.literal("cat-aa'b"),
  }),
  denoiser: v.strictObject({
    graphs,
    weights: path,
    inputs: v.strictObject({ x: word, target: word, pairs: word, t: word }),
    outputs: v.strictObject({ grid: word, maps: word }),
    patch: count(256),
    probes: v.optional(v.array(probe)),
  }),
  targets: v.pipe(
    v.array(
      v.strictObject({
        name: word,
        in: count(2 ** 20),
        out: count(2 ** 20),
        layout: v.literal('in,out'),
        input: word,
      }),
    ),
    v.minLength(1),
  ),
  basis: v.strictObject({
    weights: path,
    elements: count(4096),
    rank: count(1024),
    keyDim: count(65536),
    activation: v.picklist(['softmax', 'tanh']),
    scale: v.pipe(v.number(), v.finite()),
    elementNames: v.array(v.nullable(word)),
  }),
  sampler: v.strictObject({
    prediction: v.literal('x'),
    schedule: v.literal('linear'),
    steps: count(50),
  }),
  head: v.strictObject({ kind: v.literal('anchored/1') }),
});

export type Manifest = Readonly<v.InferOutput<typeof schema>>;
export type PackFile = Manifest['files'][number];
export type Precision = 'fp16' | 'fp32';

/** What the schema cannot say in one field; the sentence of the first violation, if any. */
function contradiction(manifest: Manifest): string | undefined {
  const { files, encoder, denoiser, targets, basis, image } = manifest;
  const listed = new Set(files.map((file) => file.path));
  if (listed.size !== files.length) return 'a file is listed twice';
  if (listed.has('manifest.json')) return 'the manifest lists itself';
  const needed = [
    encoder.weights,
    denoiser.weights,
    basis.weights,
    encoder.graphs.fp32,
    denoiser.graphs.fp32,
  ];
  if (encoder.graphs.fp16 !== undefined) needed.push(encoder.graphs.fp16);
  if (denoiser.graphs.fp16 !== undefined) needed.push(denoiser.graphs.fp16);
  const missing = needed.find((name) => !listed.has(name));
  if (missing !== undefined) return `"${missing}" is used but not listed in files`;
  if (image.size % denoiser.patch !== 0) return 'image.size is not a multiple of denoiser.patch';
  if (basis.elementNames.length !== basis.elements)
    return 'elementNames must have one entry per basis element';
  if (new Set(targets.map((target) => target.name)).size !== targets.length)
    return 'two targets have the same name';
  if (new Set(targets.map((target) => target.input)).size !== targets.length)
    return 'two targets use the same input';
  const activations = Object.values(denoiser.inputs);
  if (new Set(activations).size !== activations.length)
    return 'two inputs of the denoiser have the same name';
  const clash = targets.find((target) => activations.includes(target.input));
  if (clash !== undefined) return `target "${clash.name}" uses an input that is not a weight`;
  return undefined;
}

function bad(what: string): EngineFailure {
  return new EngineFailure('pack/bad-manifest', `This pack's description is not valid: ${what}.`, REMEDY);
}

/**
 * Checks the text of `manifest.json`.
 * @throws EngineFailure `pack/bad-manifest` naming the first field that is wrong.
 */
export function parseManifest(text: string): Manifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw bad('it is not JSON');
  }
  const result = v.safeParse(schema, data, { abortEarly: true });
  if (!result.success) {
    const issue = result.issues[0];
    throw bad(`${v.getDotPath(issue) ?? 'the top level'}: ${issue.message}`);
  }
  const problem = contradiction(result.output);
  if (problem !== undefined) throw bad(problem);
  return result.output;
}

/** The files one precision needs: the other precision's graphs are never downloaded. */
export function filesFor(manifest: Manifest, precision: Precision): readonly PackFile[] {
  const { encoder, denoiser, basis } = manifest;
  const names = new Set([
    graphOf(encoder.graphs, precision),
    graphOf(denoiser.graphs, precision),
    encoder.weights,
    denoiser.weights,
    basis.weights,
  ]);
  return manifest.files.filter((file) => names.has(file.path));
}

export function graphOf(choice: { fp32: string; fp16?: string | undefined }, precision: Precision): string {
  return precision === 'fp16' && choice.fp16 !== undefined ? choice.fp16 : choice.fp32;
}

/** fp16 needs both the device and both graphs. */
export function precisionFor(manifest: Manifest, deviceHasFp16: boolean): Precision {
  const offered = manifest.encoder.graphs.fp16 !== undefined && manifest.denoiser.graphs.fp16 !== undefined;
  return deviceHasFp16 && offered ? 'fp16' : 'fp32';
}
