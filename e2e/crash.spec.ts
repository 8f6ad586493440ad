/** A tab that dies in the middle of a run says so when it is back, with the pictures; another tab has not died. */
import { Likewise, text } from './support/likewise';
import { expect, test } from './support/test';

test('a tab that crashed says so, and the pictures are back', async ({ page, likewise }) => {
  await likewise.open('wasm');
  await likewise.sample('snowfall');
  await likewise.generate.click();
  await expect(likewise.cancel).toBeVisible();
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  void session.send('Page.crash').catch(() => undefined);
  await crashed;
  // Playwright gives a crashed page up; the browser does not.
  await session.send('Page.reload');
  const read = async (expression: string): Promise<unknown> =>
    (await session.send('Runtime.evaluate', { expression })).result.value;
  await expect.poll(() => read('document.body.innerText')).toContain(text.said.crashed);
  await expect.poll(() => read('document.querySelectorAll("[data-zone][data-filled]").length')).toBe(3);
});

test('a tab that is opened while another one works has not crashed', async ({ page, likewise, site }) => {
  await likewise.open('wasm');
  await likewise.sample('snowfall');
  await likewise.generate.click();
  await expect(likewise.cancel).toBeVisible();
  const other = new Likewise(await page.context().newPage(), site.url);
  await other.open('wasm');
  await expect(other.page.getByText(text.said.recovered)).toBeVisible();
  await expect(other.page.getByText(text.said.crashed)).toBeHidden();
});
