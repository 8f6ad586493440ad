/**
 * Everything that a browser complains about: errors and warnings on the console of the page and its
 * workers (an uncaptured GPU error is a warning there), and exceptions nobody caught.
 */
import type { BrowserContext } from '@playwright/test';

export class Trouble {
  readonly #seen: string[] = [];
  // Playwright's own way to keep service workers off.
  readonly #expected: RegExp[] = [/Service Worker registration blocked by Playwright/];

  watch(context: BrowserContext): void {
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.#seen.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) => this.#seen.push(`uncaught: ${error.error().stack ?? error.error()}`));
  }

  /** For the trouble that a test makes on purpose. */
  expect(...patterns: readonly RegExp[]): void {
    this.#expected.push(...patterns);
  }

  get unexpected(): readonly string[] {
    return this.#seen.filter((line) => !this.#expected.some((pattern) => pattern.test(line)));
  }
}
