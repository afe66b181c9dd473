/** Drills from the page, in a browser: one that holds, with its report, and one that is called off by somebody else. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipped } from '../interop/interop-cluster.ts';
import { browserPath, openBrowser } from './browser.ts';
import { type ConsoledCluster, startConsoled } from './consoled-cluster.ts';

const skip = skipped('drills from the page', browserPath === null ? 'no Chromium is installed' : null);
const LIMIT_MS = 180_000;

describe.skipIf(skip)('two who look at one console', () => {
  let world: ConsoledCluster;
  let browser: Browser;
  let one: Page;
  let other: Page;
  let out = '';

  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'odradek-page-drills-'));
    world = await startConsoled(true, out);
    browser = await openBrowser();
    one = await opened();
    other = await opened();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await world?.close();
    if (out !== '') rmSync(out, { recursive: true, force: true });
  });

  async function opened(): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(LIMIT_MS);
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(`${world.console.url}#Drills`);
    return page;
  }

  async function run(page: Page, drill: string): Promise<void> {
    await page.getByRole('button', { name: new RegExp(`^${drill}`) }).click();
    await page.getByRole('button', { name: `run ${drill}` }).click();
  }

  it(
    'see a drill of one of them, one at a time, and that it held, with its report',
    async () => {
      await run(one, 'session-expired');
      // The other one has no button for a second one while it runs.
      await other.getByRole('button', { name: 'call off session-expired' }).waitFor();
      await other.getByRole('button', { name: /^leader-killed/ }).click();
      expect(await other.getByRole('button', { name: 'run leader-killed' }).count()).toBe(0);
      for (const page of [one, other]) {
        await page.locator('.detail p', { hasText: /^held$/ }).waitFor();
        await page.getByText('✓ lost: 0 (at most 0)').waitFor();
        expect(await page.getByText('✗').count()).toBe(0);
      }
      const [report] = await Promise.all([
        one.context().waitForEvent('page'),
        one.getByRole('link', { name: 'the post-mortem' }).click(),
      ]);
      await report.getByText('# A session expires without anybody dying').waitFor();
      expect(await report.locator('circle').count()).toBeGreaterThan(0);
      expect(readdirSync(join(out, 'session-expired')).sort()).toContain('post-mortem.html');
    },
    LIMIT_MS,
  );

  it(
    'can call off what the other has begun',
    async () => {
      await run(one, 'leader-killed');
      await one.locator('.past li', { hasText: 'kill -9 of' }).waitFor();
      await other.getByRole('button', { name: 'call off leader-killed' }).click();
      for (const page of [one, other]) await page.locator('.detail p', { hasText: /^called off$/ }).waitFor();
      expect(readdirSync(out)).toEqual(['session-expired']);
    },
    LIMIT_MS,
  );
});
