/** The page itself, in a browser: what a reader sees, with mouse and keys, on a wide screen and a narrow one. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipped } from '../interop/interop-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { browserPath, openBrowser } from './browser.ts';
import { type ConsoledCluster, startConsoled } from './consoled-cluster.ts';

const skip = skipped('the page of the console', browserPath === null ? 'no Chromium is installed' : null);

describe.skipIf(skip)('the page', () => {
  let world: ConsoledCluster;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const strangers: string[] = [];

  beforeAll(async () => {
    world = await startConsoled(true);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (sent) => {
      if (!sent.url().startsWith(world.console.url) && !sent.url().startsWith('data:'))
        strangers.push(sent.url());
    });
    await page.goto(world.console.url);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });

  const rowOf = (partition: string) =>
    page.getByRole('row').filter({ has: page.getByRole('button', { name: partition, exact: true }) });
  const open = async (view: string): Promise<void> => {
    await page.click(`nav a:text-is("${view}")`);
    // What is asked for next may be on the view before as well, which a loaded machine shows a moment longer.
    await page.locator(`nav a[aria-current="page"]:text-is("${view}")`).waitFor();
  };

  it('says who is the controller, and shows every broker', async () => {
    await page.getByText(/Broker [123] is the controller of epoch 1\./).waitFor();
    for (const id of [1, 2, 3]) await page.getByRole('heading', { name: `Broker ${id}` }).waitFor();
  });

  it('shows the leader and the in-sync replicas of each partition', async () => {
    await open('Partitions');
    const row = rowOf('orders-0');
    await row.waitFor();
    expect(await row.locator('.leader').count()).toBe(1);
    expect(await row.locator('.insync').count()).toBe(2);
  });

  it('opens a partition, with its state as ZooKeeper has it', async () => {
    await page.getByRole('button', { name: 'orders-0', exact: true }).click();
    await page.locator('.panel pre', { hasText: '"controller_epoch": 1' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
  });

  it('shows records and znodes', async () => {
    await world.cluster.produce('orders', [{ value: '{"total":12}', partition: 0 }]);
    await open('Topics');
    await page.getByRole('button', { name: /^orders/ }).click();
    await page.locator('.records summary', { hasText: '"total": 12' }).waitFor();
    await open('ZooKeeper');
    await page.locator('.tree summary', { hasText: 'controller_epoch' }).getByRole('button').click();
    await page.getByText('until it is deleted').waitFor();
  });

  it('can be gone through by keys alone', async () => {
    await page.locator('nav a').first().focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await rowOf('orders-0').waitFor();
    const focused = (): Promise<string> => page.evaluate('document.activeElement.getAttribute("aria-label")');
    const tabTo = async (label: string): Promise<void> => {
      for (let keys = 0; (await focused()) !== label && keys < 20; keys++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(label);
    };
    await tabTo('Part of a name');
    await page.keyboard.type('orders-0');
    await tabTo('orders-0');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Partition orders-0' }).waitFor();
    // It takes the focus by itself, a moment after it has come.
    await eventually('the panel has the focus', async () => (await focused()) === 'Close');
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    expect(await focused()).toBe('orders-0');
    await page.getByRole('searchbox').fill('');
  });

  it('draws only the rows in sight, however many partitions there are', async () => {
    await world.cluster.createTopics({ name: 'many', partitions: 1000, replicationFactor: 1 });
    await page.getByText('1,006 partitions').waitFor();
    expect(await page.locator('.rows tbody tr').count()).toBeLessThan(100);
    await page.getByRole('searchbox').fill('many-999');
    await rowOf('many-999').waitFor();
    await page.getByRole('searchbox').fill('');
  });

  it('shows what moves and what holds it back, and takes the throttle away', async () => {
    await open('Partitions');
    await page.getByRole('searchbox').fill('orders-3');
    await page.getByRole('button', { name: 'orders-3', exact: true }).click();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByLabel('replicas').fill('2,1');
    await page.getByLabel('bytes a second').fill('1000000');
    await page.getByRole('button', { name: 'move', exact: true }).click();
    await page.getByText('done').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('searchbox').fill('');
    await open('Moves');
    await page.getByText('leader.replication.throttled.rate = 1000000').first().waitFor();
    await page.getByText('Nothing moves.').waitFor();
    await page.getByRole('button', { name: 'take the throttles away' }).click();
    await page.getByText('None is set.').waitFor();
  });

  it.each(['light', 'dark'] as const)('fits 360 pixels, in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 640 });
    for (const view of [
      'Cluster',
      'Partitions',
      'Moves',
      'Topics',
      'Groups',
      'ZooKeeper',
      'Charts',
      'Events',
      'Faults',
      'Drills',
    ]) {
      await open(view);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect(width, view).toBeLessThanOrEqual(360);
    }
    await page.setViewportSize({ width: 1200, height: 800 });
  });

  it('draws its charts anew when light becomes dark', async () => {
    await open('Charts');
    // Whether the lines of the first chart are drawn in the colour that lines have now.
    const isUpToDate = `(() => {
      const canvas = document.querySelector('.charts canvas');
      if (canvas === null || canvas.height === 0) return false; // it is just being made
      const probe = document.createElement('span');
      probe.style.color = 'var(--line)';
      canvas.parentElement.append(probe);
      const line = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
      probe.remove();
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const isLine = (at) => data[at + 3] > 250 && [0, 1, 2].every((of) => Math.abs(data[at + of] - line[of]) < 4);
      for (let at = 0; at < data.length; at += 4) if (isLine(at)) return true;
      return false;
    })()`;
    for (const colorScheme of ['light', 'dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await eventually(`it is drawn in ${colorScheme}`, () => page.evaluate<boolean>(isUpToDate));
    }
  });

  it('says why nothing can be broken on purpose, where brokers do not take faults', async () => {
    await open('Faults');
    await page.getByText('it takes no faults: fault.api.enable=true is not set').nth(2).waitFor();
  });

  it('has drills, each with what it expects and a button', async () => {
    await open('Drills');
    await page.getByRole('button', { name: /^controller-killed/ }).click();
    await page.getByRole('heading', { name: 'hypothesis' }).waitFor();
    await page.getByRole('button', { name: 'run controller-killed' }).waitFor();
  });

  it('shows a failover, and the moment before it when it is asked to', async () => {
    await open('Cluster');
    const words = await page.getByText(/is the controller of epoch 1/).textContent();
    const killed = Number(/\d+/.exec(words ?? '')?.[0]);
    await world.cluster.kill(killed);
    await page.getByText(`Missing: broker ${killed}.`).waitFor();
    await page.getByText(/is the controller of epoch 2/).waitFor();
    await page.getByRole('slider', { name: 'Moment' }).focus();
    await page.keyboard.press('Home');
    await page.getByText(`Broker ${killed} is the controller of epoch 1.`).waitFor();
    await page.getByRole('button', { name: 'now' }).click();
    await page.getByText(/is the controller of epoch 2/).waitFor();
  }, 90_000);

  it('tells what happened, and why', async () => {
    await page.getByRole('button', { name: 'Why this controller?' }).click();
    await page.locator('.story', { hasText: /Because of \[\d+\]/ }).waitFor();
    await open('Events');
    await page.getByRole('searchbox').fill('controller-elected');
    await page.locator('.events li').nth(1).waitFor();
  });

  it('says that its server is away', async () => {
    world.console.close();
    await page.getByText('the console is away').waitFor();
  });

  it('has broken nowhere, and asked nobody else for anything', () => {
    expect(problems).toEqual([]);
    expect(strangers).toEqual([]);
  });
});
