/** Machines without WebGPU, and a graphics card that goes away in the middle of a run. */
import { chromium, type Browser } from '@playwright/test';
import { chromiumPath, GPU_ARGS } from './chromium.mjs';
import { cancelled, Likewise, text } from './support/likewise';
import { expect, test } from './support/test';

const launch = (args: string[]): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath(), args });

test('without WebGPU the processor does it, and asking for WebGPU says why not', async ({
  site,
  trouble,
}) => {
  const browser = await launch(['--disable-features=WebGPU,WebGPUService', '--disable-gpu']);
  try {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    trouble.watch(context);
    // What Chromium says when a page asks for an adapter and there is none.
    trouble.expect(/No available adapters|WebGPU/);
    const page = await context.newPage();
    const likewise = new Likewise(page, site.url);
    await likewise.open();
    await likewise.sample('warm');
    await likewise.steps(1);
    await likewise.run();
    await page.getByText(text.about.title, { exact: true }).click();
    await expect(page.getByText(text.about.backends.wasm)).toBeVisible();

    await likewise.open('webgpu');
    await likewise.sample('warm');
    await likewise.generate.click();
    await likewise.expectError('result', 'engine/no-backend', /offers no WebGPU/);
  } finally {
    await browser.close();
  }
});

test('a graphics card that is lost in the middle of a run on WebGPU, and one that is cancelled', async ({
  site,
  trouble,
}) => {
  const browser = await launch(GPU_ARGS);
  try {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    trouble.watch(context);
    trouble.expect(/device (was|is) lost|lost|A valid external Instance reference no longer exists|GPU/i);
    const page = await context.newPage();
    const likewise = new Likewise(page, site.url);
    await likewise.open('webgpu');
    // Of the samples the one whose anchor the software GPU takes least for.
    await likewise.sample('snowfall');
    await likewise.steps(1);
    await likewise.run();

    const drawing = page.getByRole('progressbar').and(page.locator('[aria-valuetext^="Drawing"]'));
    await likewise.steps(50);
    await likewise.generate.click();
    await expect(drawing).toBeVisible({ timeout: 240_000 });
    // The process that holds every device is ended, as when a driver crashes.
    const session = await browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess').catch(() => undefined);
    await likewise.expectError('result', 'engine/device-lost', /graphics card was lost/);
    await expect(page.locator('[data-zone][data-filled]')).toHaveCount(3);
    await expect(likewise.stage).toHaveAttribute('data-result', 'ready');
    await expect(page.locator('[data-result-canvas]')).toBeVisible();

    await likewise.steps(1);
    await likewise.run();
    await expect(likewise.alert('result')).toBeEmpty();

    // Last, since the software GPU goes on with the step that was cancelled and paints nothing meanwhile.
    await likewise.steps(50);
    await likewise.generate.click();
    await expect(drawing).toBeVisible({ timeout: 240_000 });
    await cancelled(likewise);
  } finally {
    await browser.close();
  }
});
