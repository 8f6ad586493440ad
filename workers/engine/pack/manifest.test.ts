import { beforeAll, describe, expect, it } from 'vitest';
import { EngineFailure } from '../errors';
import { tinyPack } from '../testing/tiny-pack';
import { filesFor, parseManifest, precisionFor, type Manifest } from './manifest';

let valid: Manifest;
beforeAll(async () => {
  valid = (await tinyPack()).manifest;
});

function refusal(change: (manifest: Record<string, unknown>) => void): string {
  const copy = JSON.parse(JSON.stringify(valid)) as Record<string, unknown>;
  change(copy);
  try {
    parseManifest(JSON.stringify(copy));
  } catch (thrown) {
    if (thrown instanceof EngineFailure && thrown.detail.code === 'pack/bad-manifest')
      return thrown.detail.message;
    throw thrown;
  }
  return 'accepted';
}

describe('parseManifest', () => {
  it('accepts a valid one', () => {
    expect(parseManifest(JSON.stringify(valid))).toEqual(valid);
  });

  it('tells text that is not JSON', () => {
    expect(() => parseManifest('<!doctype html>')).toThrow(/not JSON/);
  });

  it.each<[string, (manifest: Record<string, unknown>) => void, RegExp]>([
    ['another format', (m) => (m['format'] = 'likewise-pack/2'), /format/],
    ['an unknown field', (m) => (m['extra'] = 1), /extra/],
    ['a missing field', (m) => delete m['basis'], /basis/],
    [
      'a path that leaves the pack',
      (m) => (m['encoder'] = { ...valid.encoder, weights: '../w' }),
      /encoder\.weights: is not a plain/,
    ],
    ['an absolute path', (m) => (m['encoder'] = { ...valid.encoder, weights: '/w' }), /encoder\.weights/],
    [
      'a URL for a path',
      (m) => (m['encoder'] = { ...valid.encoder, weights: 'http://x/w' }),
      /encoder\.weights/,
    ],
    [
      'a file that is not listed',
      (m) => (m['files'] = valid.files.slice(1)),
      /"encoder\.fp32\.onnx" is used but not listed/,
    ],
    ['a file listed twice', (m) => (m['files'] = [...valid.files, ...valid.files]), /listed twice/],
    ['a bad checksum', (m) => (m['files'] = [{ ...valid.files[0], sha256: 'abc' }]), /files\.0\.sha256/],
    ['too few element names', (m) => (m['basis'] = { ...valid.basis, elementNames: [] }), /elementNames/],
    ['the same target twice', (m) => (m['targets'] = [...valid.targets, ...valid.targets]), /same name/],
    [
      'a target bound to an activation',
      (m) => (m['targets'] = [{ ...valid.targets[0], input: 'x' }]),
      /not a weight/,
    ],
    [
      'a size that is no multiple of the patch',
      (m) => (m['image'] = { size: 40 }),
      /multiple of denoiser\.patch/,
    ],
    ['too many steps', (m) => (m['sampler'] = { ...valid.sampler, steps: 51 }), /sampler\.steps/],
    ['another head', (m) => (m['head'] = { kind: 'plain/1' }), /head\.kind/],
    ['a scale that is not finite', (m) => (m['basis'] = { ...valid.basis, scale: null }), /basis\.scale/],
  ])('refuses %s', (_, change, message) => {
    expect(refusal(change)).toMatch(message);
  });
});

describe('what a precision needs', () => {
  it('leaves out the other graphs', () => {
    const both: Manifest = {
      ...valid,
      files: [...valid.files, { path: 'encoder.fp16.onnx', size: 1, sha256: '0'.repeat(64) }],
      encoder: { ...valid.encoder, graphs: { fp32: 'encoder.fp32.onnx', fp16: 'encoder.fp16.onnx' } },
    };
    expect(filesFor(both, 'fp32').map((file) => file.path)).not.toContain('encoder.fp16.onnx');
    expect(filesFor(both, 'fp16').map((file) => file.path)).toContain('encoder.fp16.onnx');
    // Only one of the two graphs has an fp16 version.
    expect(precisionFor(both, true)).toBe('fp32');
  });
});
