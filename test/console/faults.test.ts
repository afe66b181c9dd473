/** Faults on demand by the console, on brokers that are processes and take them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import type { BrokerFaultsView, FaultKindView } from '../../scripts/console/views.ts';
import { skipped } from '../interop/interop-cluster.ts';
import { browserPath } from './browser.ts';
import { type Console, startConsole } from './consoled-cluster.ts';

const HEADERS = { 'x-odradek-console': 'test' };

describe('a console beside brokers that take faults', () => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-console-'));
  let cluster: LocalCluster;
  let browser: Browser | null = null;
  let console: Console;
  beforeAll(async () => {
    cluster = await LocalCluster.start({
      brokers: 1,
      basePort: 0,
      directory,
      zookeeper: null,
      zookeeperPort: 0,
      sessionTimeoutMs: 6000,
      properties: { 'fault.api.enable': 'true' },
    });
    console = await startConsole(cluster.bootstrapServers, cluster.zookeeperConnect, true);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await console?.close();
    await cluster?.abandon();
    rmSync(directory, { recursive: true, force: true });
  });

  const ask = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${console.server.url}${path}`)).json()) as T;
  const change = (path: string, body: object): Promise<Response> =>
    fetch(`${console.server.url}${path}`, { method: 'POST', headers: HEADERS, body: JSON.stringify(body) });

  it('knows every kind of fault', async () => {
    const kinds = await ask<readonly FaultKindView[]>('api/fault-kinds');
    expect(kinds.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['link-cut', 'disk-slow', 'session-expire']),
    );
  });

  it('strikes, shows what is in place, and heals', async () => {
    const given = JSON.stringify({ delayMs: 1, forMs: 60_000 });
    expect((await change('api/strike', { broker: 1, fault: 'disk-slow', given })).status).toBe(200);
    const [struck] = await ask<readonly BrokerFaultsView[]>('api/faults');
    expect(struck).toMatchObject({ brokerId: 1, problem: null, faults: [{ name: 'disk-slow' }] });
    expect((await change('api/heal', { broker: 1 })).status).toBe(200);
    expect(await ask('api/faults')).toMatchObject([{ faults: [] }]);
  });

  it.each([
    [{ broker: 1, fault: 'disk-slo', given: '{}' }, "there is no fault 'disk-slo'"],
    [{ broker: 9, fault: 'disk-slow', given: '{}' }, 'there is no such broker'],
    [{ broker: 1, fault: 'disk-slow', given: '[1]' }, 'given is no JSON object'],
    [{ broker: 1, fault: 'disk-slow', given: '{}' }, 'delayMs'],
  ])('refuses %j with the reason', async (body, reason) => {
    const response = await change('api/strike', body);
    expect(response.status).not.toBe(200);
    expect(await response.text()).toContain(reason);
  });

  describe.skipIf(
    skipped('faults on the page of the console', browserPath === null ? 'no Chromium is installed' : null),
  )('in the browser', () => {
    it('strikes when it is confirmed, and heals', async () => {
      const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
      browser = await chromium.launch({ executablePath: browserPath ?? '', args });
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      await page.goto(`${console.server.url}#Faults`);
      page.once('dialog', (dialog) => void dialog.accept());
      await page.getByLabel('fault', { exact: true }).selectOption('disk-slow');
      await page.getByLabel(/^delayMs/).fill('1');
      await page.getByLabel(/^forMs/).fill('60000');
      await page.getByRole('button', { name: 'strike' }).click();
      await page.getByText('it has struck').waitFor();
      await page.getByRole('button', { name: 'heal all of broker 1' }).click();
      await page.getByText('nothing is in place').waitFor();
    }, 90_000);
  });
});
