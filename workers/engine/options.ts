/** Run options with their defaults, checked before any work begins. */
import { EngineFailure } from './errors';
import type { Manifest } from './pack/manifest';
import type { Coefficients, RunOptions } from './protocol';

function bad(message: string, remedy: string): EngineFailure {
  return new EngineFailure('engine/bad-options', message, remedy);
}

function checkCoefficients(coefficients: Coefficients, manifest: Manifest): void {
  const targets = manifest.targets.length;
  const { elements } = manifest.basis;
  const { values } = coefficients;
  if (
    coefficients.targets !== targets ||
    coefficients.elements !== elements ||
    values.length !== targets * elements
  ) {
    throw bad(
      `These weights are for another pack: ${coefficients.targets} × ${coefficients.elements} instead of ${targets} × ${elements}.`,
      'Load the pack they were made with, or reset the weights.',
    );
  }
  if (!values.every(Number.isFinite)) throw bad('One of the weights is not a number.', 'Reset the weights.');
}

export function checkStrength(strength = 1): number {
  if (strength >= 0 && strength <= 2) return strength;
  throw bad('The strength is out of range.', 'Choose a strength from 0 to 200 %.');
}

export function checkMaxSide(maxSide: number | undefined): number | undefined {
  if (maxSide === undefined || (Number.isInteger(maxSide) && maxSide >= 1)) return maxSide;
  throw bad('The size of the result is not valid.', 'Choose a long side of at least one pixel.');
}

export interface CheckedOptions {
  readonly strength: number;
  readonly steps: number;
  readonly seed: number;
  readonly coefficients: Float32Array | undefined;
  readonly maxSide: number | undefined;
}

/** @throws EngineFailure `engine/bad-options` */
export function checkOptions(options: RunOptions, manifest: Manifest): CheckedOptions {
  const { steps = manifest.sampler.steps, seed = 0, coefficients } = options;
  if (!Number.isInteger(steps) || steps < 1 || steps > 50) {
    throw bad('The number of steps is out of range.', 'Choose 1 to 50 steps.');
  }
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw bad('The seed is out of range.', 'Choose a whole number from 0 to 4294967295.');
  }
  if (coefficients !== undefined) checkCoefficients(coefficients, manifest);
  return {
    strength: checkStrength(options.strength),
    steps,
    seed,
    coefficients: coefficients?.values,
    maxSide: checkMaxSide(options.maxSide),
  };
}
