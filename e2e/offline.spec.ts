/** One visit, then the server is gone: a whole edit still works. And isolation on hosts that do not give it. */
import { setTimeout } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import { Likewise, text, type Backend } from './support/likewise';
import { openSite, type Site } from './support/site';
import { expect, test } from './support/test';

test.use({ serviceWorkers: 'allow' });

async function readyOffline(page: Page): Promise<void> {
  await expect(page.locator('[data-offline="ready"]')).toHaveText(text.footer.offline, { timeout: 120_000 });
}

async function edit(likewise: Likewise): Promise<void> {
  await likewise.sample('framed');
  await likewise.steps(1);
  await likewise.run();
}

const visits: readonly { readonly name: string; readonly backend: Backend; readonly late: number }[] = [
  // The page's patience with the worker is 5 seconds: the engine then starts without it.
  { name: 'when the service worker comes after the engine', backend: 'auto', late: 8000 },
  { name: 'with the runtime for WebGPU', backend: 'webgpu', late: 0 },
];

for (const { name, backend, late } of visits) {
  test(`one visit without an edit is enough ${name}`, async ({ page }) => {
    const site = await openSite();
    if (late > 0) site.answers.set('/sw.js', { held: setTimeout(late) });
    const likewise = new Likewise(page, site.url);
    await likewise.open(backend);
    await readyOffline(page);
    await site.close();

    await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await edit(likewise);
    // What the browser would open from the home screen.
    await page.goto(site.url);
    await expect(likewise.zone('b')).toHaveAttribute('data-filled', '');
  });
}

test('a plain static host: one thread at first, isolated from the second visit on', async ({ page }) => {
  const site = await openSite({ isolated: false });
  try {
    const likewise = new Likewise(page, site.url);
    await likewise.open('wasm');
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    await edit(likewise);
    await page.getByText(text.about.title, { exact: true }).click();
    await expect(page.locator('.about')).toContainText('CPU, 1 thread');
    await readyOffline(page);

    await page.reload();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await expect(likewise.zone('b')).toHaveAttribute('data-filled', '');
    await likewise.steps(1);
    await likewise.run();
    await page.getByText(text.about.title, { exact: true }).click();
    const cores = Math.min(4, await page.evaluate(() => navigator.hardwareConcurrency));
    await expect(page.locator('.about')).toContainText(
      cores === 1 ? 'CPU, 1 thread' : `CPU, ${cores} threads`,
    );
  } finally {
    await site.close();
  }
});

test('a kept file that was damaged is fetched again', async ({ page, likewise }) => {
  await likewise.open('wasm');
  await readyOffline(page);
  await page.evaluate(async () => {
    const cache = await caches.open('likewise-heavy');
    const request = (await cache.keys()).find(({ url }) => url.includes('encoder.safetensors'));
    const kept = request && (await cache.match(request));
    if (!kept) throw new Error('the encoder is not kept');
    const bytes = new Uint8Array(await kept.arrayBuffer());
    bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0);
    await cache.put(request, new Response(bytes));
  });
  await page.reload();
  await readyOffline(page);
});

async function offerNewVersion(page: Page, likewise: Likewise, site: Site): Promise<void> {
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  await likewise.sample('snowfall');
  const worker = await (await fetch(`${site.url}sw.js`)).text();
  site.answers.set('/sw.js', { bytes: Buffer.from(`${worker}\n// a later build`), type: 'text/javascript' });
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await expect(page.getByText(text.update.ready)).toBeVisible();
}

test('a new version waits until the person wants it, in every tab, and the pictures stay', async ({
  page,
  likewise,
  site,
}) => {
  await likewise.open('wasm');
  await readyOffline(page);
  await offerNewVersion(page, likewise, site);
  const other = await page.context().newPage();
  await other.goto(`${site.url}?backend=wasm`);
  await expect(other.getByText(text.update.ready)).toBeVisible();
  await readyOffline(other);
  for (const tab of [page, other]) {
    await Promise.all([
      tab.waitForEvent('load'),
      tab.getByRole('button', { name: text.actions.update, exact: true }).click(),
    ]);
    await expect(tab.locator('[data-zone][data-filled]')).toHaveCount(3);
    await expect(tab.getByText(text.update.ready)).toBeHidden();
  }
});

test('a new version that the old one holds up comes too, and the pictures stay', async ({
  page,
  likewise,
  site,
}) => {
  // An answer that is awaited keeps the old worker, here for longer than the page's patience.
  let send = (): void => {};
  const held = new Promise<void>((resolve) => (send = resolve));
  site.answers.set('/packs/studio/encoder.safetensors', { held });
  await likewise.open('wasm');
  await offerNewVersion(page, likewise, site);
  const update = likewise.button(text.actions.update);
  await Promise.all([page.waitForEvent('load'), update.click()]);
  await expect(page.locator('[data-zone][data-filled]')).toHaveCount(3);
  send();
  // The reload is enough where it ends what was awaited before the new page asks again.
  await expect(async () => {
    if (await update.isVisible()) await Promise.all([page.waitForEvent('load'), update.click()]);
    const waits = await page.evaluate(async () => (await navigator.serviceWorker.ready).waiting !== null);
    expect(waits).toBe(false);
    await expect(page.locator('[data-zone][data-filled]')).toHaveCount(3);
    await expect(update).toBeHidden();
  }).toPass();
});
