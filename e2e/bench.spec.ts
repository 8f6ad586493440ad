/** The benchmark's page. What it measures takes minutes on a processor: here it starts and is stopped. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from './support/test';

test('the benchmark starts on this device and stops at once', async ({ page, site }, info) => {
  await page.goto(site.url);
  await page.getByRole('link', { name: 'How fast is this machine?' }).click();
  await expect(page).toHaveTitle(/How fast/);
  await page.getByRole('button', { name: 'Measure' }).click();
  await expect(page.getByRole('status')).toHaveText('Measuring: The merge, in several ways', {
    timeout: 60_000,
  });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: info.outputPath(`${colorScheme}.png`), fullPage: true });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  }
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: 'Measure' })).toBeVisible();
  await expect(page.getByRole('status')).toBeEmpty();
});
