/** The ways in and out: drop, choose, paste, keyboard only; b′ at b's own size, saved whole with its recipe. */
import { readText } from '../app/result/png';
import { readFile } from 'node:fs/promises';
import { text } from './support/likewise';
import { gradient, samplePath } from './support/pictures';
import { readPng } from './support/png';
import { expect, test } from './support/test';
import type { FileChooser, Page } from '@playwright/test';

/** Files from the desktop, as the browser itself delivers them. */
async function dropFiles(page: Page, selector: string, files: readonly string[]): Promise<void> {
  const box = await page.locator(selector).boundingBox();
  if (!box) throw new Error(`${selector} is not on the page`);
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...files], dragOperationsMask: 1 };
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...at, data });
  await session.detach();
}

test('three files dropped together, and one dropped on its place', async ({ likewise, page }) => {
  await likewise.open('wasm');
  await dropFiles(page, '.hero', [samplePath('a'), samplePath('a2'), samplePath('b')]);
  for (const slot of ['a', 'a2', 'b'] as const)
    await expect(likewise.zone(slot)).toHaveAttribute('data-filled', '');
  await dropFiles(page, '[data-zone="b"]', [samplePath('b', 'kaleidoscope')]);
  await expect(likewise.zone('b').locator('.zone-button')).toHaveAccessibleName(
    text.zone.replace('b', 'b.jpg'),
  );
});

test('files chosen in the dialog; b′ has the size of b and carries its recipe', async ({ likewise }) => {
  await likewise.open('wasm');
  await likewise.choose('a', samplePath('a', 'framed'));
  await likewise.choose('a2', samplePath('a2', 'framed'));
  await likewise.choose('b', gradient('holiday.png', 2311, 1403));
  await likewise.expectPicture('b', 2311, 1403);
  await likewise.steps(2);
  await likewise.strength.fill('130');
  await likewise.run();
  const { name, bytes } = await likewise.download();
  expect(name).toBe('holiday likewise 130.png');
  const { width, height } = readPng(bytes);
  expect([width, height]).toEqual([2311, 1403]);
  const texts = await readText(new Blob([new Uint8Array(bytes)]));
  expect(texts['Software']).toBe('Likewise');
  expect(JSON.parse(texts['Likewise recipe'] ?? '{}')).toMatchObject({
    version: 1,
    pack: 'studio',
    strength: 1.3,
    steps: 2,
    seed: 0,
    coefficients: { elements: 32, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

test('pictures pasted from the clipboard', async ({ likewise, page, context, site }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(site.url).origin });
  await likewise.open('wasm');
  const pictures = [gradient('', 64, 48), gradient('', 64, 48, true), gradient('', 200, 100)];
  for (const { buffer } of pictures) {
    await page.evaluate(async (base64) => {
      const blob = await (await fetch(`data:image/png;base64,${base64}`)).blob();
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    }, buffer.toString('base64'));
    const before = await page.locator('[data-zone][data-filled]').count();
    await page.keyboard.press('Control+V');
    await expect(page.locator('[data-zone][data-filled]')).toHaveCount(before + 1);
  }
  await likewise.expectPicture('a2', 64, 48);
  await likewise.expectPicture('b', 200, 100);
  await likewise.steps(1);
  await likewise.run();

  // And out by the same way.
  await likewise.button(text.actions.copy).click();
  await expect(page.locator('.said')).toHaveText(text.said.copied);
  const copied = await page.evaluate(async () => {
    const [item] = await navigator.clipboard.read();
    const bitmap = await createImageBitmap((await item?.getType('image/png')) ?? new Blob());
    return [bitmap.width, bitmap.height];
  });
  expect(copied).toEqual([200, 100]);
});

test('a whole edit with the keyboard only', async ({ likewise, page }) => {
  await likewise.open('wasm');
  const focus = async (name: string | RegExp): Promise<void> => {
    const wanted = page.getByRole('button', { name }).or(page.getByRole('slider', { name })).first();
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab');
      if (await wanted.evaluate((element) => element === document.activeElement)) return;
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  for (const slot of ['a', 'a2', 'b'] as const) {
    await focus(text.zone.choose(slot));
    let chooser: FileChooser | undefined;
    // A dialog needs a fresh key press, and one on a busy machine may be stale when it is handled: a
    // person presses again. (Over the debugging protocol Chromium opens none for Enter.)
    for (let presses = 0; chooser === undefined && presses < 3; presses += 1) {
      const opened = page.waitForEvent('filechooser', { timeout: 10_000 });
      await page.keyboard.press('Space');
      chooser = await opened.catch(() => undefined);
    }
    if (chooser === undefined) throw new Error(`no dialog opens for ${slot}`);
    await chooser.setFiles(samplePath(slot));
    await expect(likewise.zone(slot)).toHaveAttribute('data-filled', '');
  }
  await page.keyboard.press('Control+Enter');
  await likewise.finished();
  await focus(text.result.compare);
  await page.keyboard.press('End');
  await expect(page.getByRole('slider', { name: text.result.compare })).toHaveAttribute(
    'aria-valuenow',
    '100',
  );
  const { bytes } = await likewise.download(() => page.keyboard.press('Control+s'));
  const b = await readFile(samplePath('b'));
  expect(readPng(bytes).width, 'the size of b').toBe(jpegWidth(b));
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
});

/** From the first frame header. */
function jpegWidth(file: Buffer): number {
  for (let at = 2; at < file.length; at += 2 + file.readUInt16BE(at + 2)) {
    const marker = file[at + 1] ?? 0;
    if (marker >= 0xc0 && marker <= 0xc2) return file.readUInt16BE(at + 7);
  }
  return 0;
}
