import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { openDevices } from './testing/device';
import { close, noiseImage, Parity, picture, uniform } from './testing/parity';

const devices = await openDevices();

describe.each(devices)('$name', (opened) => {
  const parity = new Parity(opened);
  const { gpu, cpu, types } = parity;
  afterEach(() => opened.check());
  afterAll(() => {
    gpu.dispose();
    opened.close();
  });

  it.each([
    [97, 41, 16],
    [16, 16, 16],
    [7, 300, 33],
    [20, 9, 32],
    [1, 1, 24],
    ...[4, 5, 6].map((seed) => [...uniform(seed, 3)].map((part) => 1 + Math.floor(part * 150))),
  ])('prepare %i × %i → %i', async (width, height, size) => {
    const image = parity.image(noiseImage(width, width, height));
    await parity.same(gpu.prepare(image.gpu, size), cpu.prepare(image.cpu, size), 1e-5);
  });

  it('uploads, reads back and casts', async () => {
    const casts = opened.device.features.has('shader-f16')
      ? (['float32', 'float16'] as const)
      : (['float32'] as const);
    for (const type of casts) {
      const twin = parity.twin(uniform(3, 5 * 7, -3, 3), [5, 7], type);
      expect(twin.gpu.type).toBe(type);
      await parity.same(twin.gpu, twin.cpu, 0);
      for (const to of casts) {
        const cast = gpu.cast(twin.gpu, to);
        expect(cast.type).toBe(to);
        await parity.same(cast, twin.cpu, to === type || to === 'float32' ? 0 : 1e-3);
      }
    }
  });

  it('makes no buffer anew for what kernels are told and what is read back', async () => {
    const image = parity.image(noiseImage(3, 40, 30));
    const sizes = [8, 9, 16, 31];
    // All told before any is done, and read at once.
    const round = async (): Promise<void> => {
      const prepared = sizes.map((size) => gpu.prepare(image.gpu, size));
      const read = await Promise.all(prepared.map((tensor) => gpu.read(tensor)));
      for (const [k, size] of sizes.entries())
        close(read[k], await cpu.read(cpu.prepare(image.cpu, size)), 1e-5);
    };
    await round();
    const made = vi.spyOn(opened.device, 'createBuffer');
    await round();
    expect(made.mock.calls.map(([{ label }]) => label)).not.toContain('constants');
    expect(made.mock.calls.map(([{ label }]) => label)).not.toContain('read back');
    expect(made).toHaveBeenCalled();
    made.mockRestore();
  });

  it('widens fp16 where the device has none', async () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001);
    const tensor = gpu.upload(bits, [3], 'half');
    expect(tensor.type).toBe(types.includes('float16') ? 'float16' : 'float32');
    expect([...(await gpu.read(tensor))]).toEqual([1, -2, 2 ** -24]);
  });

  describe.each(types)('inputs in %s', (type) => {
    it.each([8, 13])('packs at %i', async (size) => {
      const [a, a2, b] = [1, 2, 3].map((seed) => parity.twin(picture(seed, size), [3, size, size]));
      const tolerance = type === 'float16' ? 5e-4 : 1e-7;
      await parity.same(
        gpu.pairInput(a.gpu, a2.gpu, b.gpu, type),
        cpu.pairInput(a.cpu, a2.cpu, b.cpu, type),
        tolerance,
      );
      await parity.same(gpu.targetInput(b.gpu, a.gpu, type), cpu.targetInput(b.cpu, a.cpu, type), tolerance);
      await parity.same(
        gpu.stack([a.gpu, a2.gpu, b.gpu], type),
        cpu.stack([a.cpu, a2.cpu, b.cpu], type),
        tolerance,
      );
    });
  });

  it.each([
    [3, 32, 128, 96, 'softmax'],
    [5, 7, 10, 33, 'tanh'],
    [1, 40, 17, 1, 'softmax'],
  ] as const)('route %i × %i, d %i, Q %i, %s', async (targets, elements, keySize, inputs, activation) => {
    for (const type of types) {
      // As in the engine: the encoding is widened, keys and projections stay as they are stored.
      const e = parity.twin(uniform(1, inputs, -2, 2), [1, inputs]);
      const keys = parity.twin(
        uniform(2, targets * elements * keySize, -1, 1),
        [targets, elements, keySize],
        type,
      );
      const query = parity.twin(
        uniform(3, targets * keySize * inputs, -1, 1),
        [targets, keySize, inputs],
        type,
      );
      const expected = await cpu.route(e.cpu, keys.cpu, query.cpu, activation);
      close(await gpu.route(e.gpu, keys.gpu, query.gpu, activation), expected, 1e-5);
    }
  });

  it('names what is too large', () => {
    const side = Math.ceil(Math.sqrt(opened.device.limits.maxStorageBufferBindingSize / 4)) + 1;
    expect(() => gpu.allocate('float32', [side, side], 'huge')).toThrow(/MiB in one piece \(huge\)/);
  });

  it('names dims that do not fit', async () => {
    const tensor = gpu.allocate('float32', [2, 3, 4], 'odd');
    const image = gpu.uploadImage({ width: 1, height: 1, data: new Uint8ClampedArray(4) }, 'pixel');
    expect(() => gpu.anchorApply(image, tensor, { weights: new Float32Array(246) })).toThrow(
      'expected 3 square planes, got dims 2×3×4',
    );
    await expect(gpu.route(tensor, tensor, tensor, 'tanh')).rejects.toThrow('do not fit an encoding of 24');
  });
});
