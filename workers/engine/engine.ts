/** The pipeline on a loaded pack: decode → frame → prepare → anchor → encode → route → merge → denoise → render. */
import { Arena } from './arena';
import { nameOf } from './compute/anchor-fit';
import { isFine } from './compute/fine-screen';
import { isFilters } from './compute/reference/filters';
import { ofMeans } from './compute/reference/kernel';
import { encodeTriplet, keysOf, type Decode, type Encoded } from './encode';
import { Aborted, EngineFailure } from './errors';
import { scaledArea, turnedSize } from './frame';
import { fitWithin, shrink } from './image/resize';
import { Job, yieldToMessages, type Hooks } from './job';
import { shutHead } from './layer';
import { cutBy } from './mask';
import { mounted } from './mat';
import { Merger } from './merge';
import type { Model } from './model';
import { checkMaxSide, checkOptions, checkStrength } from './options';
import type {
  Coefficients,
  PackInfo,
  RgbaImage,
  RunOptions,
  RunReport,
  RunResult,
  Triplet,
} from './protocol';
import type { Runtime } from './runtime';
import { sample, type Sampled } from './sample';

/** What the worker's API needs to know of an engine, whatever its backend. Calls must not overlap. */
export interface Engine {
  readonly info: PackInfo;
  /** The device is gone: dispose and open another one. */
  readonly failed: boolean;
  encode(triplet: Triplet, hooks: Hooks): Promise<Coefficients>;
  run(triplet: Triplet, options: RunOptions, hooks: Hooks): Promise<RunResult>;
  rerender(options: Pick<RunOptions, 'strength' | 'maxSide'>, hooks: Hooks): Promise<RunResult>;
  dispose(): Promise<void>;
}

interface LastRun<Data> {
  readonly encoded: Encoded<Data>;
  readonly sampled: Sampled<Data>;
  readonly coefficients: Float32Array;
  readonly report: RunReport;
}

export function packInfo(
  model: Pick<Model<unknown>, 'manifest' | 'precision'>,
  runtime: Pick<Runtime<unknown>, 'backend' | 'adapter'>,
): PackInfo {
  const { manifest, precision } = model;
  return {
    id: manifest.id,
    name: manifest.name,
    version: manifest.version,
    licence: manifest.licence,
    bytes: manifest.files.reduce((sum, file) => sum + file.size, 0),
    size: manifest.image.size,
    steps: manifest.sampler.steps,
    targets: manifest.targets.map((target) => target.name),
    elements: manifest.basis.elements,
    rank: manifest.basis.rank,
    elementNames: manifest.basis.elementNames.map((name) => name ?? undefined),
    backend: runtime.backend,
    precision,
    adapter: runtime.adapter,
  };
}

export class PackEngine<Data> implements Engine {
  readonly info: PackInfo;
  readonly #merger: Merger<Data>;
  #encoded: Encoded<Data> | undefined;
  #last: LastRun<Data> | undefined;

  constructor(
    private readonly runtime: Runtime<Data>,
    private readonly model: Model<Data>,
    private readonly decode: Decode,
  ) {
    this.info = packInfo(model, runtime);
    this.#merger = new Merger(runtime, model);
  }

  get failed(): boolean {
    return this.runtime.failed;
  }

  async encode(triplet: Triplet, hooks: Hooks): Promise<Coefficients> {
    const encoded = await this.#explained(() => this.#encode(triplet, new Job(hooks, this.runtime)));
    return this.#coefficients(encoded.coefficients);
  }

  run(triplet: Triplet, options: RunOptions, hooks: Hooks): Promise<RunResult> {
    return this.#explained(() => this.#run(triplet, options, hooks));
  }

  rerender(options: Pick<RunOptions, 'strength' | 'maxSide'>, hooks: Hooks): Promise<RunResult> {
    return this.#explained(() => this.#rerender(options, hooks));
  }

  async dispose(): Promise<void> {
    this.#last?.sampled.dispose();
    this.#last?.encoded.dispose();
    if (this.#encoded !== this.#last?.encoded) this.#encoded?.dispose();
    this.#encoded?.pair.dispose();
    this.#last = undefined;
    this.#encoded = undefined;
    await this.model.dispose();
    await this.runtime.dispose();
  }

  /** A call that fails because the device is gone says so, whichever error came up first. */
  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof Aborted || thrown instanceof EngineFailure) throw thrown;
      // The loss itself may be told just after the calls that it broke.
      await yieldToMessages();
      this.runtime.check();
      throw thrown;
    }
  }

  async #run(triplet: Triplet, options: RunOptions, hooks: Hooks): Promise<RunResult> {
    const checked = checkOptions(options, this.model.manifest);
    const job = new Job(hooks, this.runtime);
    const encoded = await this.#encode(triplet, job);
    const coefficients = checked.coefficients ?? encoded.coefficients;
    await job.phase('merging', this.model.targets.length, () => this.#merger.apply(coefficients));
    const sampled = await job.phase('denoising', checked.steps, (report) =>
      sample(this.runtime, this.model, encoded, checked, job, report),
    );
    const report: RunReport = {
      timings: job.timings,
      stepTimings: sampled.stepTimings,
      anchor: nameOf(encoded.anchor),
      backend: this.runtime.backend,
      adapter: this.runtime.adapter,
      precision: this.model.precision,
      strength: checked.strength,
      steps: checked.steps,
      seed: checked.seed,
      size: encoded.frame.size,
      place: encoded.place,
    };
    this.#replaceLast({ encoded, sampled, coefficients, report });
    const image = await this.#render(encoded, sampled, checked.strength, checked.maxSide, job);
    await sampled.shown;
    return { image, coefficients: this.#coefficients(coefficients), report };
  }

  async #rerender(options: Pick<RunOptions, 'strength' | 'maxSide'>, hooks: Hooks): Promise<RunResult> {
    const strength = checkStrength(options.strength);
    const maxSide = checkMaxSide(options.maxSide);
    const last = this.#last;
    if (last === undefined) {
      throw new EngineFailure(
        'engine/bad-options',
        'There is no result to show again yet.',
        'Make a result first.',
      );
    }
    const job = new Job(hooks, this.runtime);
    const image = await this.#render(last.encoded, last.sampled, strength, maxSide, job);
    return {
      image,
      coefficients: this.#coefficients(last.coefficients),
      report: { ...last.report, strength, timings: job.timings, stepTimings: [] },
    };
  }

  #coefficients(values: Float32Array): Coefficients {
    return {
      targets: this.info.targets.length,
      elements: this.info.elements,
      values: new Float32Array(values),
    };
  }

  async #encode(triplet: Triplet, job: Job): Promise<Encoded<Data>> {
    await job.checkpoint();
    const keys = await keysOf(triplet);
    const before = this.#encoded;
    if (before?.key === keys.triplet) return before;
    const known = before?.pair.key === keys.pair ? before.pair : undefined;
    const encoded = await encodeTriplet(this.runtime, this.model, triplet, keys, known, this.decode, job);
    this.#encoded = encoded;
    // The last run still needs its b, for rendering it again; a pair is for the steps alone.
    if (before !== this.#last?.encoded) before?.dispose();
    if (before?.pair !== encoded.pair) before?.pair.dispose();
    return encoded;
  }

  #replaceLast(run: LastRun<Data>): void {
    const before = this.#last;
    this.#last = run;
    before?.sampled.dispose();
    if (before?.encoded !== run.encoded) before?.encoded.dispose();
  }

  async #render(
    encoded: Encoded<Data>,
    sampled: Sampled<Data>,
    strength: number,
    maxSide: number | undefined,
    job: Job,
  ): Promise<RgbaImage> {
    const { compute } = this.runtime;
    const { image, full, anchor, mask, frame, pair } = encoded;
    const size = fitWithin(frame.size.width, frame.size.height, maxSide ?? Infinity);
    const at = scaledArea(frame.at, frame.size, size);
    return job.phase('rendering', at.height, async (report) => {
      // A smaller result is rendered from a smaller b, which is properly filtered.
      const { width, height } = frame.turned ? turnedSize(at) : at;
      const same = width === image.width && height === image.height;
      const source = same ? full : compute.uploadImage(shrink(image, width, height), 'b, smaller');
      const side = this.model.manifest.image.size;
      // The network draws means of pixels: over dots and lines that these do not show it would be a veil. Shown an a
      // of thinned pixels it takes these for an edit, where there is none.
      const { screen, lookup } = anchor;
      const fine = screen === undefined ? lookup !== undefined && isFilters(lookup) : isFine(screen, side);
      const alone = pair.still || (fine && Math.min(image.width, image.height) > side);
      const arena = new Arena(compute);
      try {
        const whole = await compute.renderFull({
          ...sampled.head,
          ...(alone && shutHead(compute, arena, side)),
          width: at.width,
          height: at.height,
          image: source,
          anchor: same ? anchor : ofMeans(anchor),
          strength,
          onTile: (done) => report(done),
          checkpoint: () => job.checkpoint(),
        });
        const picture = mask ? cutBy(whole, mask, strength) : whole;
        if (pair.mat === undefined) return picture;
        const unit = (frame.unit * size.width) / frame.size.width;
        return mounted({ picture, b: image }, pair.mat, { size, at }, unit);
      } finally {
        arena.dispose();
        if (source !== full) compute.release(source);
      }
    });
  }
}
