/** What `--json` writes about one job. */

/**
 * @typedef {import('./options.mjs').Job} Job
 * @typedef {import('./page.ts').Done} Done
 * @typedef {import('./page.ts').Size} Size
 */

/**
 * @param {Job} job @param {Done} done
 * @param {{ chromium: string, starting: number | undefined, total: number }} about milliseconds: of
 *   the browser's start, if it was started for this job, and from the command to the written file
 */
export function recordOf(job, { pack, report, ...done }, { chromium, starting, total }) {
  const { a, a2, b, out } = job;
  return {
    ok: true,
    files: { a, a2, b, out },
    /** Percent. */
    strength: job.strength,
    steps: report.steps,
    seed: report.seed,
    backend: report.backend,
    adapter: report.adapter,
    precision: report.precision,
    chromium,
    anchor: report.anchor,
    pack: {
      id: pack.id,
      version: pack.version,
      licence: pack.licence,
      bytes: pack.bytes,
      size: pack.size,
    },
    /** Width and height in pixels, bytes of the files. */
    sizes: done.sizes,
    /** Milliseconds. */
    timings: { starting, ...report.timings, saving: done.saving, total },
    stepTimings: report.stepTimings,
    /** Only for the job that loaded the pack. */
    loadTimings: done.loadTimings,
    coefficients: {
      targets: pack.targets,
      elements: pack.elementNames.map((name) => name ?? null),
      /** One row per target, one column per element. */
      values: done.coefficients,
    },
  };
}

/** @param {Job | undefined} job @param {import('./problem.mjs').Problem} problem */
export function failureOf(job, { code, message, remedy, cause }) {
  const files = job && { a: job.a, a2: job.a2, b: job.b, out: job.out };
  const text = cause instanceof Error ? cause.message : cause;
  return { ok: false, files, error: { code, message, remedy, cause: text } };
}
