/** Dynamic configs reach the broker: at the start, by notice, for new topics, and after a lost session. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigFeed } from '../../../broker/metadata/config-feed.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { DEFAULT_ENTITY } from '../../../coordinator-client/znodes/config-znodes.ts';
import { World } from '../../support/world.ts';

let world: World;
let admin: ClusterStore;
let told: string[];

const of = (config: Record<string, string>) => new Map(Object.entries(config));
const text = (config: ReadonlyMap<string, string>) =>
  [...config].map(([name, value]) => `${name}=${value}`).join();
const openStore = () => world.store();

beforeEach(async () => {
  world = World.flowing();
  admin = await world.store();
  await admin.electController(9, 1);
  told = [];
});

function newFeed(): ConfigFeed {
  return new ConfigFeed({
    brokerId: 1,
    clock: world.clock,
    diagnostics: silent,
    onTopicConfig: (topic, overrides) => told.push(`${topic}: ${text(overrides)}`),
    onBrokerConfig: (defaults, own) => told.push(`all: ${text(defaults)}; own: ${text(own)}`),
    onOtherConfig: ({ type, name }, config) => told.push(`${type}/${name}: ${text(config)}`),
  });
}

describe('the config feed', () => {
  it('knows everything once it has started', async () => {
    await admin.configs.write('topics', 't', of({ 'retention.ms': '1' }));
    await admin.configs.write('brokers', DEFAULT_ENTITY, of({ 'log.retention.ms': '2' }));
    await admin.configs.write('brokers', '1', of({ 'log.retention.ms': '3' }));
    await admin.configs.write('brokers', '2', of({ 'log.retention.ms': '4' }));
    const feed = newFeed();
    await feed.start(await openStore());
    expect(feed.topicOverrides('t')).toEqual(of({ 'retention.ms': '1' }));
    expect(feed.topicOverrides('other').size).toBe(0);
    expect(feed.brokerDefaults).toEqual(of({ 'log.retention.ms': '2' }));
    expect(feed.brokerOverrides).toEqual(of({ 'log.retention.ms': '3' }));
    expect(told).toEqual(['all: log.retention.ms=2; own: log.retention.ms=3', 't: retention.ms=1']);
  });

  it('takes a node that nobody can read for one without overrides, at the start and for new topics', async () => {
    const spoil = (topic: string) =>
      admin.coordinator.commit([
        {
          op: 'create',
          path: `/config/topics/${topic}`,
          data: Buffer.from('not json'),
          lifetime: 'persistent',
        },
      ]);
    await spoil('old');
    const feed = newFeed();
    await feed.start(await openStore());
    await spoil('new');
    await admin.coordinator.commit([
      {
        op: 'create',
        path: '/config/topics/good',
        data: Buffer.from('{"version":1,"config":{"retention.ms":"7"}}'),
        lifetime: 'persistent',
      },
    ]);
    await feed.load(['new', 'good']);
    expect(feed.topicOverrides('old').size + feed.topicOverrides('new').size).toBe(0);
    expect(feed.topicOverrides('good')).toEqual(of({ 'retention.ms': '7' }));
  });

  it('hears of changes in their order, each once, and of other entities too', async () => {
    const feed = newFeed();
    await feed.start(await openStore());
    await admin.configs.write('topics', 't', of({ 'retention.ms': '1' }));
    await admin.configs.write('brokers', '2', of({ 'log.retention.ms': '4' }));
    await admin.configs.write('brokers', '1', of({ 'log.retention.ms': '3' }));
    await admin.configs.write('clients', 'c', of({ producer_byte_rate: '5' }));
    await world.until(() => told.length >= 3);
    expect(told).toEqual([
      't: retention.ms=1',
      'all: ; own: log.retention.ms=3',
      'clients/c: producer_byte_rate=5',
    ]);
    await admin.configs.write('topics', 't', new Map());
    await world.until(() => told.at(-1) === 't: ');
    expect(feed.topicOverrides('t').size).toBe(0);
  });

  it('hears of many changes at once', async () => {
    const feed = newFeed();
    await feed.start(await openStore());
    const topics = Array.from({ length: 50 }, (_, index) => `t${index}`);
    await Promise.all(topics.map((topic) => admin.configs.write('topics', topic, of({ 'segment.ms': '7' }))));
    await world.until(() => told.length === 50);
    expect(topics.every((topic) => feed.topicOverrides(topic).size === 1)).toBe(true);
  });

  it('loads what a new topic came with, and forgets what a deleted one had', async () => {
    const feed = newFeed();
    await feed.start(await openStore());
    const assignment = { topicId: null, partitions: new Map() };
    await admin.topics.create('t', assignment, of({ 'retention.ms': '1' }));
    expect(feed.topicOverrides('t').size).toBe(0);
    await feed.load(['t', 't', 'u']);
    expect(feed.topicOverrides('t')).toEqual(of({ 'retention.ms': '1' }));
    feed.forget('t');
    expect(feed.topicOverrides('t').size).toBe(0);
  });

  it('goes on with a new session, with what was missed meanwhile', async () => {
    const feed = newFeed();
    const first = await openStore();
    await feed.start(first);
    await admin.configs.write('topics', 't', of({ 'retention.ms': '1' }));
    await world.until(() => told.length === 1);
    await first.coordinator.close();
    await admin.configs.write('topics', 't', of({ 'retention.ms': '2' }));
    await feed.start(await openStore());
    expect(told).toEqual(['t: retention.ms=1', 't: retention.ms=2']);
    await admin.configs.write('topics', 't', of({ 'retention.ms': '3' }));
    await world.until(() => told.at(-1) === 't: retention.ms=3');
    feed.stop();
    await admin.configs.write('topics', 't', of({ 'retention.ms': '4' }));
    expect(told).toHaveLength(3);
  });
});
