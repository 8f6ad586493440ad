/** `test` with the page, its server and the rule that any trouble in the browser fails a test. */
import { expect, test as base } from '@playwright/test';
import { Likewise } from './likewise';
import { openSite, type Site } from './site';
import { Trouble } from './trouble';

interface Own {
  readonly trouble: Trouble;
  readonly site: Site;
  readonly likewise: Likewise;
}

export const test = base.extend<Own, { readonly server: Site }>({
  server: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads the names of what is asked for
    async ({}, use) => {
      const site = await openSite();
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  site: async ({ server }, use) => {
    await use(server);
    server.answers.clear();
  },
  trouble: [
    async ({ context }, use) => {
      const trouble = new Trouble();
      trouble.watch(context);
      await use(trouble);
      expect(trouble.unexpected, 'trouble in the browser').toEqual([]);
    },
    { auto: true },
  ],
  likewise: async ({ page, site }, use) => {
    await use(new Likewise(page, site.url));
  },
});

export { expect };
