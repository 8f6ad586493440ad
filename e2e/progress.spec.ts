/** True progress, live preview and cancel. */
import { RUN_SEGMENTS } from '../app/result/progress';
import { cancelled, text } from './support/likewise';
import { expect, test } from './support/test';

interface Seen {
  readonly words: string;
  readonly percent: number;
}

test('progress is monotone and ends, previews come while it draws, cancel works', async ({
  likewise,
  page,
}) => {
  await likewise.open('wasm');
  await likewise.sample('warm');
  await likewise.steps(4);
  await page.evaluate(() => {
    const seen: { words: string; percent: number }[] = [];
    const previews = new Set<string>();
    Object.assign(window, { seen, previews });
    new MutationObserver(() => {
      const bar = document.querySelector('[role=progressbar]');
      if (bar)
        seen.push({
          words: bar.getAttribute('aria-valuetext') ?? '',
          percent: Number(bar.getAttribute('aria-valuenow')),
        });
      const preview = document.querySelector('.stage-preview')?.getAttribute('aria-label');
      if (preview) previews.add(preview);
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await likewise.run();
  const { seen, previews } = await page.evaluate(() => {
    const kept = window as unknown as { seen: Seen[]; previews: Set<string> };
    return { seen: kept.seen, previews: [...kept.previews] };
  });

  const running = seen.filter(({ words }) => phaseOf(words) >= 0);
  expect(running.length).toBeGreaterThan(10);
  running.slice(1).forEach(({ words, percent }, index) => {
    const before = running[index];
    expect(percent, `${before?.words} → ${words}`).toBeGreaterThanOrEqual(before?.percent ?? 0);
    expect(phaseOf(words)).toBeGreaterThanOrEqual(phaseOf(before?.words ?? ''));
  });
  // The pictures may have been read before: merging, drawing and rendering are left to every run.
  expect(new Set(running.map(({ words }) => phaseOf(words))).size, 'phases seen').toBeGreaterThanOrEqual(3);
  expect(running.at(-1)?.percent).toBeGreaterThanOrEqual(92);
  expect(previews.slice(0, 3)).toEqual([1, 2, 3].map((step) => text.result.step(step, 4)));
  await expect(page.getByRole('progressbar')).toHaveCount(0);

  await test.step('cancel in the middle of drawing: idle at once, everything stays, the next run works', async () => {
    await likewise.steps(50);
    await likewise.generate.click();
    await expect(page.locator('.stage-preview')).toBeVisible();
    await cancelled(likewise);
    await likewise.steps(1);
    await likewise.run();
  });
});

/** The phase's place in the run, or -1 for the words of loading. */
function phaseOf(words: string): number {
  return RUN_SEGMENTS.findIndex(([phase]) => words.startsWith(text.progress.run[phase]));
}
