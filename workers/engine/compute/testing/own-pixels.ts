/** Pairs larger than the model, whose own pixels say what was done to them. */
import { thin } from '../../image/thin';
import { fitAnchor, type AnchorFit } from '../anchor-fit';
import { createCpuCompute } from '../cpu';
import { imageOf, picture, rounded, uniform } from './parity';

/** Of a picture, and of the model, along a side. */
export const SIZE = 256;
export const MODEL = 64;
const PLANE = SIZE * SIZE;
const cpu = createCpuCompute();

/** A picture with grain of a pixel. */
export function grainy(seed: number): Float32Array {
  const [large, grain] = [picture(seed, SIZE), uniform(seed + 1, PLANE, -0.12, 0.12)];
  return rounded(large.map((value, i) => 0.2 + 0.6 * value + grain[i % PLANE]));
}

export function anchorOf(a: Float32Array, a2: Float32Array): Promise<AnchorFit> {
  const [whole, edited] = [imageOf(a, SIZE), imageOf(rounded(a2), SIZE)];
  const prepared = [whole, edited].map((image) => cpu.prepare(cpu.uploadImage(image, 'picture'), MODEL));
  const pixels = {
    a: thin(whole, 3 * MODEL, 3 * MODEL),
    a2: thin(edited, 3 * MODEL, 3 * MODEL),
    whole: { a: whole, a2: edited },
  };
  return fitAnchor(cpu, { a: prepared[0], a2: prepared[1], pixels }, () => Promise.resolve());
}

/** Mean squared error of an anchor of b at its own size. */
export async function errorOn(anchor: AnchorFit, b: Float32Array, b2: Float32Array): Promise<number> {
  const image = cpu.uploadImage(imageOf(b, SIZE), 'b');
  const { data } = await cpu.renderFull({
    grid: cpu.allocate('float32', [14, 1, 1], 'grid'),
    maps: cpu.allocate('float32', [5, MODEL, MODEL], 'maps'),
    b: cpu.prepare(image, MODEL),
    image,
    anchor,
    strength: 1,
    width: SIZE,
    height: SIZE,
    onTile: () => undefined,
    checkpoint: () => Promise.resolve(),
  });
  const truth = imageOf(rounded(b2), SIZE);
  return data.reduce((sum, byte, i) => sum + ((byte - truth.data[i]) / 255) ** 2, 0) / (3 * PLANE);
}
