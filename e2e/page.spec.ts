/** The page itself: three widths, light and dark, every state; accessibility, keyboard, size. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page, TestInfo } from '@playwright/test';
import { text } from './support/likewise';
import { file } from './support/pictures';
import { DIST } from './support/site';
import { expect, test } from './support/test';

/** A screenshot to look at, no axe violation, nothing wider than the window, the picture as large as it can be. */
async function look(page: Page, info: TestInfo, state: string): Promise<void> {
  // Colours in the middle of a fade are nobody's contrast. Put to their end, not waited for: a page
  // that draws no frames, as a headless one at times does, never ends them.
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
    }
  });
  await page.screenshot({ path: info.outputPath(`${state}.png`), fullPage: true });
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    `axe, ${state}`,
  ).toEqual([]);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `sideways scroll, ${state}`).toBeLessThanOrEqual(0);
  const filled = await page.evaluate(() => {
    const [frame, fit] = ['.stage-frame', '.stage-fit'].map((one) =>
      document.querySelector(one)?.getBoundingClientRect(),
    );
    return frame && fit ? Math.max(fit.width / frame.width, fit.height / frame.height) : undefined;
  });
  if (filled !== undefined) expect(filled, `the picture fills its stage, ${state}`).toBeCloseTo(1, 2);
}

const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
  { width: 2560, height: 1440 },
  { width: 5120, height: 2160 },
] as const;

test('every state is accessible and fits, at every width, light and dark', async ({
  likewise,
  page,
}, info) => {
  const everywhere = async (
    state: string,
    before = async () => {},
    after = async () => {},
  ): Promise<void> => {
    for (const size of SIZES) {
      await page.setViewportSize(size);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await before();
        await look(page, info, `${state}-${size.width}-${colorScheme}`);
        await after();
      }
    }
    await page.setViewportSize(SIZES[1]);
  };
  await likewise.open('wasm');
  await everywhere('1-empty');

  await likewise.generate.click();
  await likewise.choose('a', file('notes.jpg', 'image/jpeg', Buffer.from('Only words here.')));
  await likewise.expectError('a', 'image/not-an-image', /not a picture/);
  await everywhere('2-error');

  await likewise.sample('warm');
  await everywhere('3-filled');

  await likewise.steps(50);
  const start = async (): Promise<void> => {
    await likewise.generate.click();
    await expect(page.locator('.stage-preview')).toBeVisible();
  };
  const stop = async (): Promise<void> => {
    await likewise.cancel.click();
    await expect(likewise.generate).toBeEnabled();
  };
  await everywhere('4-running', start, stop);

  await likewise.steps(1);
  await likewise.run();
  await page.getByText(text.about.title, { exact: true }).click();
  await page.getByText(text.basis.expert, { exact: true }).click();
  await everywhere('5-ready');
});

test('Tab reaches everything that can be used, in order, and shows where it is', async ({
  likewise,
  page,
}) => {
  await likewise.open('wasm');
  await likewise.sample('warm');
  await likewise.steps(1);
  await likewise.run();
  const wanted = await page.evaluate(() => {
    const all = document.querySelectorAll<HTMLElement>(
      'a[href], button, input, select, summary, [tabindex="0"]',
    );
    const usable = [...all].filter(
      (one) => one.checkVisibility() && !one.matches(':disabled, [tabindex="-1"]') && !one.closest('dialog'),
    );
    usable.forEach((one, index) => one.setAttribute('data-order', String(index)));
    (document.activeElement as HTMLElement | null)?.blur();
    return usable.length;
  });
  expect(wanted).toBeGreaterThan(20);
  await page.locator('.brand').focus();
  const reached = ['0'];
  for (let presses = 1; presses < wanted; presses += 1) {
    await page.keyboard.press('Tab');
    const [order, shown] = await page.evaluate(() => {
      const active = document.activeElement;
      const style = active && getComputedStyle(active);
      return [
        active?.getAttribute('data-order'),
        style?.outlineStyle !== 'none' || style?.boxShadow !== 'none',
      ];
    });
    expect(shown, `the focus on ${String(order)} is to be seen`).toBe(true);
    reached.push(String(order));
  }
  expect(reached).toEqual(Array.from({ length: wanted }, (_, index) => String(index)));
});

test('the page is small, and nothing of the engine loads before the first paint', async ({ page, site }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(site.url);
  const painted = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          for (const entry of list.getEntriesByName('first-contentful-paint')) resolve(entry.startTime);
        }).observe({ type: 'paint', buffered: true });
      }),
  );
  const ofEngine = (path: string): boolean => /^\/(packs|ort)\/|worker|ort\./.test(path);
  const asksFor = (part: RegExp): boolean => asked.some((path) => part.test(path));
  await expect.poll(() => asksFor(/worker/) && asksFor(/^\/ort\//) && asksFor(/^\/packs\//)).toBe(true);
  // The worker is the first of the engine to be asked for; its time and the paint's are of one clock.
  expect(asked.find(ofEngine)).toMatch(/worker/);
  const started = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter(({ name }) => name.includes('worker'))
      .map(({ startTime }) => startTime),
  );
  expect(started.length).toBeGreaterThan(0);
  for (const time of started) expect(time).toBeGreaterThanOrEqual(painted);

  const before = asked.filter((path) => path.endsWith('.js') && !ofEngine(path));
  const sizes = await Promise.all(
    before.map(async (path) => gzipSync(await readFile(join(DIST, path))).length),
  );
  const kilobytes = sizes.reduce((sum, size) => sum + size, 0) / 1000;
  const files = await readdir(DIST, { recursive: true, withFileTypes: true });
  const all = await Promise.all(
    files.filter((one) => one.isFile()).map((one) => stat(join(one.parentPath, one.name))),
  );
  const megabytes = all.reduce((sum, { size }) => sum + size, 0) / 1e6;
  console.log(
    `JavaScript before the engine: ${kilobytes.toFixed(1)} kB gzipped; everything: ${megabytes.toFixed(1)} MB`,
  );
  expect(kilobytes).toBeGreaterThan(20);
  expect(kilobytes).toBeLessThanOrEqual(150);
});

interface Seen {
  readonly shifts: number[];
  readonly blocked: number[];
}

/** Milliseconds of each task over 50 ms on the page's thread, and how much each layout shift moved. */
async function observe(page: Page): Promise<() => Promise<Seen>> {
  await page.addInitScript(() => {
    const seen: Seen = { shifts: [], blocked: [] };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.blocked.push(Math.round(entry.duration));
    }).observe({ type: 'longtask', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput } = entry as PerformanceEntry & {
          readonly value: number;
          readonly hadRecentInput: boolean;
        };
        // What a person's own click moves is no surprise to them.
        if (!hadRecentInput) seen.shifts.push(value);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return () => page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);
}

for (const size of [SIZES[0], SIZES[1]]) {
  test(`nothing shifts from the first paint to the result at ${size.width} pixels`, async ({
    likewise,
    page,
  }) => {
    await page.setViewportSize(size);
    const seen = await observe(page);
    await likewise.open('wasm');
    await page.waitForLoadState('networkidle');
    const { blocked: loading } = await seen();
    await likewise.sample('noir');
    await likewise.run();
    const { shifts, blocked } = await seen();
    const told = (times: readonly number[]): string =>
      times.length === 0 ? 'none' : `${times.join(', ')} ms`;
    console.log(
      `tasks over 50 ms at ${size.width}: loading ${told(loading)}; an edit ${told(blocked.slice(loading.length))}`,
    );
    expect(
      shifts.reduce((sum, value) => sum + value, 0),
      'layout shift',
    ).toBeLessThan(0.01);
  });
}
