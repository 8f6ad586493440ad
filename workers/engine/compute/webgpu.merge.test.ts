import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Compute, MergeTarget } from './compute';
import type { CpuData } from './cpu';
import { narrowHalf } from './half';
import { count } from './shapes';
import { openDevices } from './testing/device';
import { close, distance, Parity, uniform, type Twin } from './testing/parity';

const devices = await openDevices();

interface Shape {
  readonly inputs: number;
  readonly outputs: number;
  readonly elements: number;
  readonly rank: number;
}

const SHAPES: readonly Shape[] = [
  { inputs: 192, outputs: 64, elements: 32, rank: 4 },
  { inputs: 65, outputs: 68, elements: 3, rank: 5 },
  { inputs: 7, outputs: 131, elements: 9, rank: 1 },
  { inputs: 1, outputs: 1, elements: 2, rank: 2 },
  ...[1, 2, 3, 4].map(randomShape),
];

/** Sizes drawn from a seed, so that a failure can be seen again. */
function randomShape(seed: number): Shape {
  const [inputs, outputs, elements, rank] = uniform(seed, 4);
  return {
    inputs: 1 + Math.floor(inputs * 200),
    outputs: 1 + Math.floor(outputs * 150),
    elements: 1 + Math.floor(elements * 40),
    rank: 1 + Math.floor(rank * 9),
  };
}

const cases = devices.flatMap((opened) =>
  [false, true].map((software) => ({ opened, software, of: `${opened.name}, software ${software}` })),
);
afterAll(() => devices.forEach(({ close }) => close()));

describe.each(cases)('$of', ({ opened, software }) => {
  const parity = new Parity(opened, software);
  const { gpu, cpu, types } = parity;
  afterEach(() => opened.check());
  afterAll(() => gpu.dispose());

  describe.each(types)('in %s', (type) => {
    // One f16 has eleven bits.
    const tolerance = type === 'float16' ? 2 ** -11 : 1e-5;

    function target(
      { inputs, outputs, elements, rank }: Shape,
      seed: number,
    ): Record<keyof MergeTarget<never>, Twin> {
      return {
        base: parity.twin(uniform(seed, inputs * outputs, -1, 1), [inputs, outputs], type),
        a: parity.twin(uniform(seed + 1, elements * inputs * rank, -1, 1), [elements, inputs, rank], type),
        b: parity.twin(
          uniform(seed + 2, elements * rank * outputs, -0.2, 0.2),
          [elements, rank, outputs],
          type,
        ),
        merged: parity.twin(new Float32Array(inputs * outputs).fill(9), [inputs, outputs], type),
      };
    }

    function on<Side extends 'gpu' | 'cpu'>(
      side: Side,
      of: Record<keyof MergeTarget<never>, Twin>,
    ): MergeTarget<Side extends 'gpu' ? GPUBuffer : CpuData>;
    function on(side: 'gpu' | 'cpu', { base, a, b, merged }: Record<keyof MergeTarget<never>, Twin>): object {
      return { base: base[side], a: a[side], b: b[side], merged: merged[side] };
    }

    it.each(SHAPES)('merges %o', async (shape) => {
      const twins = [target(shape, 10), target(shape, 20)];
      const coefficients = uniform(4, twins.length * shape.elements, -1, 1);
      // A muted element and a target without any.
      coefficients[1] = 0;
      coefficients.fill(0, shape.elements);
      await gpu.merge(
        twins.map((twin) => on('gpu', twin)),
        coefficients,
        shape.elements,
        0.75,
      );
      await cpu.merge(
        twins.map((twin) => on('cpu', twin)),
        coefficients,
        shape.elements,
        0.75,
      );
      for (const { merged } of twins) await parity.same(merged.gpu, merged.cpu, tolerance);
      expect(await gpu.read(twins[1].merged.gpu)).toEqual(await gpu.read(twins[1].base.gpu));
    });

    it('merges and updates targets of many shapes that lie together', async () => {
      const rank = 3;
      const elements = 5;
      // More than one dispatch can bind, and of rows that go four at a time and that do not.
      const shapes = Array.from(
        { length: 19 },
        (_, l) => [5 + 9 * l, l === 7 ? 67 : 12 + 20 * (l % 5)] as const,
      );
      const together = <Data>(compute: Compute<Data>): MergeTarget<Data>[] => {
        const parts = [
          shapes.map(([inputs, outputs]) => [inputs, outputs]),
          shapes.map(([inputs]) => [elements, inputs, rank]),
          shapes.map(([, outputs]) => [elements, rank, outputs]),
        ].map((dims, part) => {
          const tensors = compute.allocateTogether(type, dims, 'together');
          tensors.forEach((tensor, l) => {
            const values = uniform(100 * part + l, count(dims[l]), -0.5, 0.5);
            compute.write(tensor, type === 'float16' ? narrowHalf(values) : values);
          });
          return tensors;
        });
        return shapes.map((dims, l) => {
          const merged = compute.allocate(type, dims, 'merged');
          return { base: parts[0][l], a: parts[1][l], b: parts[2][l], merged };
        });
      };
      const ours = together(gpu);
      const theirs = together(cpu);
      expect(new Set(ours.map(({ base }) => base.data)).size).toBe(1);
      const coefficients = uniform(3, shapes.length * elements, -1, 1);
      coefficients.fill(0, 4 * elements, 5 * elements);
      const delta = uniform(4, shapes.length, -1, 1);
      await gpu.merge(ours, coefficients, elements, 0.5);
      await cpu.merge(theirs, coefficients, elements, 0.5);
      for (const [l, { merged }] of ours.entries()) await parity.same(merged, theirs[l].merged, tolerance);
      await gpu.mergeElement(ours, 2, delta, 0.5);
      await cpu.mergeElement(theirs, 2, delta, 0.5);
      for (const [l, { merged }] of ours.entries())
        await parity.same(merged, theirs[l].merged, 3 * tolerance);
      await expect(gpu.read(ours[3].a)).resolves.toEqual(await cpu.read(theirs[3].a));
    });

    it.each(SHAPES)('adds one element %o', async (shape) => {
      const twin = target(shape, 30);
      const coefficients = uniform(5, shape.elements, -1, 1);
      const element = shape.elements - 1;
      const delta = Float32Array.of(0.4);
      await gpu.merge([on('gpu', twin)], coefficients, shape.elements, 2);
      await gpu.mergeElement([on('gpu', twin)], element, delta, 2);
      coefficients[element] += delta[0];
      await cpu.merge([on('cpu', twin)], coefficients, shape.elements, 2);
      await parity.same(twin.merged.gpu, twin.merged.cpu, 3 * tolerance);
    });
  });

  if (types.includes('float32'))
    it('would notice one wrong coefficient', async () => {
      const shape = { inputs: 8, outputs: 8, elements: 4, rank: 2 };
      const base = parity.twin(uniform(1, 64), [8, 8]);
      const a = parity.twin(uniform(2, 64), [4, 8, 2]);
      const b = parity.twin(uniform(3, 64), [4, 2, 8]);
      const merged = parity.twin(new Float32Array(64), [8, 8]);
      const coefficients = Float32Array.of(1, 0.5, -0.5, 0.25);
      await gpu.merge(
        [{ base: base.gpu, a: a.gpu, b: b.gpu, merged: merged.gpu }],
        coefficients,
        shape.elements,
        1,
      );
      coefficients[3] = 0.26;
      await cpu.merge(
        [{ base: base.cpu, a: a.cpu, b: b.cpu, merged: merged.cpu }],
        coefficients,
        shape.elements,
        1,
      );
      expect(distance(await gpu.read(merged.gpu), await cpu.read(merged.cpu))).toBeGreaterThan(1e-4);
      close(await gpu.read(merged.gpu), await cpu.read(merged.cpu), 0.1);
    });
});
