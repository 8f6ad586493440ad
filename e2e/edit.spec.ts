/** A whole edit on both backends, from one click to the saved file. */
import { readText } from '../app/result/png';
import { pixelAt, psnr, readPng, type Pixels } from './support/png';
import { text, type Backend } from './support/likewise';
import { expect, test } from './support/test';

// Black and white: b is colourful, b′ must not be.
const SAMPLE = 'noir';
const results = new Map<Backend, Pixels>();

for (const backend of ['wasm', 'webgpu'] as const) {
  test(`an edit on ${backend}`, async ({ page, likewise }) => {
    await likewise.open(backend);
    await likewise.sample(SAMPLE);
    await likewise.steps(1);
    await likewise.run();

    await page.getByText(text.about.title, { exact: true }).click();
    await expect(page.getByText(text.about.backends[backend])).toBeVisible();
    if (backend === 'webgpu') await expect(page.locator('.about')).toContainText(/swiftshader/i);
    await expect(page.locator('.basis-lead')).toHaveText(/out of 32|over all 32/);
    await expect(page.locator('.bar')).toHaveCount(32);

    const { name, bytes } = await likewise.download();
    expect(name).toBe('Black and white likewise.png');
    const recipe: unknown = JSON.parse(
      (await readText(new Blob([new Uint8Array(bytes)])))['Likewise recipe'] ?? '{}',
    );
    expect(recipe).toMatchObject({ backend, steps: 1, strength: 1, seed: 0, precision: 'fp32' });
    results.set(backend, readPng(bytes));
  });
}

test('b′ differs from b as the example does', async ({ likewise }) => {
  await likewise.open('wasm');
  await likewise.sample(SAMPLE);
  await likewise.steps(1);
  await likewise.strength.press('Home');
  await likewise.run();
  const before = readPng((await likewise.download()).bytes);
  const after = results.get('wasm');
  if (!after) throw new Error('the edit on wasm must have ended well');
  expect(psnr(before, after)).toBeLessThan(35);
  expect(colourfulness(before)).toBeGreaterThan(12);
  expect(colourfulness(after)).toBeLessThan(colourfulness(before) / 3);
});

test('both backends make the same picture', () => {
  const [wasm, webgpu] = [results.get('wasm'), results.get('webgpu')];
  if (!wasm || !webgpu) throw new Error('both edits above must have ended well');
  const db = psnr(wasm, webgpu);
  console.log(`PSNR between WASM and WebGPU: ${db.toFixed(1)} dB`);
  expect(db).toBeGreaterThanOrEqual(45);
});

/** Mean distance between the largest and the smallest of red, green and blue, on a grid. */
function colourfulness(picture: Pixels): number {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < picture.height; y += 7)
    for (let x = 0; x < picture.width; x += 7) {
      const [r = 0, g = 0, b = 0] = pixelAt(picture, x, y);
      sum += Math.max(r, g, b) - Math.min(r, g, b);
      count += 1;
    }
  return sum / count;
}
