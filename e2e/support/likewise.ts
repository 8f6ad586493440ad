/** What a person does on the page, in their words. */
import { readFile } from 'node:fs/promises';
import { expect, type Locator, type Page } from '@playwright/test';
import type { SampleName } from '../../app/i18n';
import { en } from '../../app/i18n/en';
import type { Place, Slot } from '../../app/state/types';

export interface Upload {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export type Backend = 'auto' | 'wasm' | 'webgpu';

export const text = en;

export class Likewise {
  constructor(
    readonly page: Page,
    private readonly url: string,
  ) {}

  async open(backend: Backend = 'auto'): Promise<void> {
    await this.page.goto(backend === 'auto' ? this.url : `${this.url}?backend=${backend}`);
    await expect(this.page.getByRole('heading', { level: 1 })).toBeVisible();
  }

  zone(slot: Slot): Locator {
    return this.page.locator(`[data-zone="${slot}"]`);
  }

  /** Filled with a picture of this size. */
  async expectPicture(slot: Slot, width: number, height: number): Promise<void> {
    await expect(this.zone(slot).locator('.zone-size')).toHaveText(text.zone.size(width, height));
  }

  alert(place: Place): Locator {
    return this.page.locator(`[data-alert="${place}"]`);
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  get generate(): Locator {
    return this.button(text.actions.generate);
  }

  get cancel(): Locator {
    return this.button(text.actions.cancel);
  }

  get stage(): Locator {
    return this.page.locator('.stage');
  }

  get strength(): Locator {
    return this.page.getByRole('slider', { name: text.controls.strength });
  }

  async sample(name: SampleName): Promise<void> {
    await this.button(text.samples.use(text.samples.names[name])).click();
    for (const slot of ['a', 'a2', 'b'] as const)
      await expect(this.zone(slot)).toHaveAttribute('data-filled', '');
  }

  async choose(slot: Slot, file: Upload | string): Promise<void> {
    const chooser = this.page.waitForEvent('filechooser');
    await this.zone(slot).locator('.zone-button').click();
    await (await chooser).setFiles(file);
  }

  async steps(count: number): Promise<void> {
    const field = this.page.getByRole('spinbutton', { name: text.controls.steps });
    if (!(await field.isVisible()))
      await this.page.getByText(text.controls.advanced, { exact: true }).click();
    await field.fill(String(count));
  }

  /** Generate and wait for the result; an error on the page is told at once, not after a time-out. */
  async run(): Promise<void> {
    await this.generate.click();
    await this.finished();
  }

  async finished(): Promise<void> {
    const ready = this.page.locator('.stage[data-result="ready"]');
    const failed = this.alert('result').locator('.alert');
    await expect(ready.or(failed).first()).toBeVisible({ timeout: 300_000 });
    if ((await failed.count()) > 0) throw new Error(`The page says: ${await failed.innerText()}`);
  }

  /** The saved file. */
  async download(
    act = () => this.button(text.actions.download).click(),
  ): Promise<{ name: string; bytes: Buffer }> {
    const waiting = this.page.waitForEvent('download');
    await act();
    const download = await waiting;
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  }

  /** An error that says what is wrong and what can be done. */
  async expectError(place: Place, code: string, sentence: RegExp): Promise<void> {
    const alert = this.alert(place);
    await expect(alert.locator('small')).toHaveText(code);
    await expect(alert.locator('strong')).toHaveText(sentence);
    const whole = await alert.locator('p').innerText();
    const remedy = whole.slice((await alert.locator('strong').innerText()).length).trim();
    expect(remedy, 'the remedy is a sentence').toMatch(/^[A-Z].{15,}\.$/);
  }
}

/** Cancels a run that draws and sees that the page is idle soon, with all that was there. */
export async function cancelled(likewise: Likewise): Promise<void> {
  const { page } = likewise;
  const began = Date.now();
  await likewise.cancel.click();
  // A step on the software GPU takes longer than the 6 seconds after which the worker is ended.
  await expect(likewise.generate).toBeEnabled({ timeout: 12_000 });
  console.log(`idle ${Date.now() - began} ms after cancel`);
  await expect(page.locator('.said')).toHaveText(text.said.cancelled);
  await expect(page.locator('[data-zone][data-filled]')).toHaveCount(3);
  await expect(page.locator('.alert')).toHaveCount(0);
  await expect(likewise.stage).toHaveAttribute('data-result', 'ready');
}
