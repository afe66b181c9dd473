/** What a broker tells of finalised features: the epoch is the version of the node. */

import { expect, it } from 'vitest';
import { FeatureFeed } from '../../../broker/metadata/feature-feed.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { featureZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { World } from '../../support/world.ts';

async function setUp() {
  const world = new World();
  const store = await world.store(world.source({ delayMs: 1 }));
  const { path } = featureZnode;
  const write = async (text: string, version: number | null) => {
    const data = Buffer.from(text);
    const change =
      version === null
        ? ({ op: 'create', path, data, lifetime: 'persistent' } as const)
        : ({ op: 'put', path, data, version } as const);
    expect(await world.settled(store.coordinator.commit([change]), 1000)).toMatchObject({ ok: true });
    await world.pass(10);
  };
  const feed = new FeatureFeed(silent);
  const start = () => world.settled(feed.start(store), 1000);
  return { write, feed, start };
}

const enabled = (levels: object) => JSON.stringify({ version: 2, status: 1, features: levels });

it('follows the node from before it is there, through levels, until it is disabled', async () => {
  const { feed, start, write } = await setUp();
  await start();
  expect(feed.current.epoch).toBe(-1);
  await write(enabled({}), null);
  expect(feed.current).toEqual({ epoch: 0, levels: new Map() });
  await write(enabled({ some: { max_version_level: 3 } }), 0);
  expect(feed.current).toEqual({ epoch: 1, levels: new Map([['some', 3]]) });
  await write(JSON.stringify({ version: 2, status: 0, features: {} }), 1);
  expect(feed.current).toEqual({ epoch: -1, levels: new Map() });
});

it('keeps what it knew when the node can’t be read, and when it has been stopped', async () => {
  const { feed, start, write } = await setUp();
  await write(enabled({}), null);
  await start();
  await write('{', 0);
  expect(feed.current.epoch).toBe(0);
  feed.stop();
  await write(enabled({}), 1);
  expect(feed.current.epoch).toBe(0);
});
