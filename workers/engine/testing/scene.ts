/** Pictures made of numbers, for tests of what is found in pictures. */
import { wordsOf } from '../noise';
import type { RgbaImage } from '../protocol';

/** Something to see at every size, with r, g, b apart. */
export function scene(width: number, height: number, seed = 7): RgbaImage {
  const words = wordsOf(seed);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let k = 0; k < 150; k++) {
    const [x, y, across, down, colour] = Array.from({ length: 5 }, (_, i) => words(5 * k + i) / 2 ** 32);
    const [right, bottom] = [(x + across / 4) * width, (y + down / 4) * height];
    for (let row = Math.floor(y * height); row < Math.min(height, bottom); row++)
      for (let column = Math.floor(x * width); column < Math.min(width, right); column++)
        for (let c = 0; c < 3; c++) data[4 * (row * width + column) + c] = (colour * 997 * (c + 1)) % 230;
  }
  return { width, height, data };
}
