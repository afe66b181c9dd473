/** Pages whose computer sleeps or whose way to the console is gone, and two consoles beside one cluster, in a browser. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { skipped } from '../interop/interop-cluster.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { browserPath, openBrowser } from './browser.ts';
import { type Console, type ConsoledCluster, startConsole, startConsoled } from './consoled-cluster.ts';

const skip = skipped('pages that sleep', browserPath === null ? 'no Chromium is installed' : null);
const HOUR_MS = 60 * 60 * 1000;

describe.skipIf(skip)('a page', () => {
  let world: ConsoledCluster;
  let second: Console;
  let way: FaultProxy;
  let browser: Browser;
  /** Of the first console by a way that can be lost, and of another console beside the same cluster. */
  let sleepy: Page;
  let awake: Page;

  beforeAll(async () => {
    world = await startConsoled(true);
    second = await startConsole(world.cluster.bootstrapServers, world.cluster.zookeeper ?? '', true);
    way = await startFaultProxy(Number(new URL(world.console.url).port));
    browser = await openBrowser();
    sleepy = await opened(`http://127.0.0.1:${way.port}/`, true);
    awake = await opened(second.server.url, false);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await way?.close();
    await second?.close();
    await world?.close();
  });

  async function opened(url: string, withOwnClock: boolean): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(60_000);
    page.on('dialog', (dialog) => void dialog.accept());
    if (withOwnClock) await page.clock.install();
    await page.goto(url);
    await page.getByText('live', { exact: true }).waitFor();
    return page;
  }

  it('of one console shows at once what was done at another', async () => {
    for (const page of [sleepy, awake]) await page.click('nav a:text-is("Partitions")');
    const name = (page: Page) => page.getByRole('button', { name: 'orders-0', exact: true });
    const row = awake.getByRole('row').filter({ has: name(awake) });
    // Two beside the leader; of two replicas only one.
    await row.locator('.insync').nth(1).waitFor();
    await name(sleepy)?.click();
    await sleepy.getByLabel('replicas').fill('3,1');
    await sleepy.getByRole('button', { name: 'move', exact: true }).click();
    await row.locator('.insync').nth(1).waitFor({ state: 'detached' });
  });

  it('that has slept for an hour says that it hears nothing, and shows what is now when it hears again', async () => {
    await sleepy.click('nav a:text-is("Cluster")');
    const words = await sleepy.getByText(/is the controller of epoch 1/).textContent();
    // Whoever was at the other end is gone, and says nothing: connections stand still.
    way.blackhole(true);
    await world.cluster.kill(Number(/\d+/.exec(words ?? '')?.[0]));
    await sleepy.clock.fastForward(HOUR_MS);
    await sleepy.getByText('the console is away').waitFor();
    way.blackhole(false);
    await sleepy.clock.fastForward(HOUR_MS);
    await sleepy.getByText(/is the controller of epoch 2/).waitFor();
    await sleepy.getByText('live', { exact: true }).waitFor();
  }, 90_000);
});
