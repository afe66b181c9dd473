/** Faults on demand of a disk: what a broker makes of them, and that the disk is whole afterwards. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { eventually } from '../support/eventually.ts';
import { type HurtCluster, startHurtCluster } from './hurt-cluster.ts';

const BROKER = 1;
/** Each test has one that it may break, and one is left. */
const DIRECTORIES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
let hurt: HurtCluster;
let disks: string;
/** There is one in each directory in the end. */
const topics: string[] = [];

beforeAll(async () => {
  disks = mkdtempSync(join(tmpdir(), 'odradek-disks-'));
  hurt = await startHurtCluster({
    brokers: 1,
    embedded: true,
    properties: { 'log.dirs': DIRECTORIES.map((name) => join(disks, name)).join(',') },
  });
}, 150_000);

afterAll(async () => {
  await hurt.close();
  rmSync(disks, { recursive: true, force: true });
});

afterEach(() => hurt.faults(BROKER).healAll());

/** A topic whose every write is synced, with a record, and the log directory that it is in. */
async function topicOnDisk(name: string): Promise<string> {
  topics.push(name);
  await hurt.createTopic(name, { replicas: [BROKER], configs: { 'flush.messages': '1' } });
  expect(await produced(name)).toBe(ErrorCode.NONE);
  const found = DIRECTORIES.find((each) => existsSync(join(disks, each, `${name}-0`)));
  return join(disks, found ?? 'none');
}

const produced = async (topic: string): Promise<ErrorCode> => (await hurt.produce(BROKER, topic)).errorCode;

/** Strikes until a produce fails; then the directory is offline, and with the next start it is well. */
async function fails(topic: string, directory: string): Promise<void> {
  const last = hurt.lastEvent(BROKER);
  expect(await produced(topic)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(await hurt.event(BROKER, 'log-directory-failed', last)).toMatchObject({ directory });
}

describe('a disk', () => {
  it('that is full fails the writes there, and no others; after a restart it serves again', async () => {
    const directory = await topicOnDisk('full');
    await topicOnDisk('elsewhere');
    const fault = await hurt.faults(BROKER).strike('disk-full', { path: directory });
    await fails('full', directory);
    expect(await produced('elsewhere')).toBe(ErrorCode.NONE);
    await fault.heal();
    // As in Kafka the directory stays offline.
    expect(await produced('full')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const { pid } = hurt.cluster.broker(BROKER).child;
    await hurt.faults(BROKER).strike('restart', { how: 'hard' });
    await eventually(
      'it serves again',
      async () =>
        hurt.cluster.broker(BROKER).child.pid !== pid &&
        (await produced('full').catch(() => null)) === ErrorCode.NONE,
      90_000,
    );
  }, 180_000);

  it('that is filling up takes what there is room for', async () => {
    const directory = await topicOnDisk('filling');
    const path = join(directory, 'filling-0', '*.log');
    await hurt.faults(BROKER).strike('disk-full', { path, afterBytes: 1000 });
    expect((await hurt.produce(BROKER, 'filling', 500)).errorCode).toBe(ErrorCode.NONE);
    expect((await hurt.produce(BROKER, 'filling', 500)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });

  it('that is slow holds the broker up', async () => {
    const directory = await topicOnDisk('slow');
    const faults = hurt.faults(BROKER);
    const { id, heal } = await faults.strike('disk-slow', {
      path: directory,
      operation: 'write',
      delayMs: 400,
    });
    const before = performance.now();
    expect(await produced('slow')).toBe(ErrorCode.NONE);
    expect(performance.now() - before).toBeGreaterThanOrEqual(400);
    expect((await faults.list()).find((fault) => fault.id === id)?.struck).toBeGreaterThanOrEqual(1);
    await heal();
    expect(await produced('slow')).toBe(ErrorCode.NONE);
  });

  it.each(['write', 'sync'] as const)('that fails in a %s is given up', async (operation) => {
    const topic = `failing-${operation}`;
    const directory = await topicOnDisk(topic);
    const last = hurt.lastEvent(BROKER);
    await hurt.faults(BROKER).strike('disk-fail', { path: directory, operation, times: 1 });
    await fails(topic, directory);
    expect(await hurt.event(BROKER, 'fault-healed', last)).toMatchObject({ why: 'count' });
  });

  it('that fails in a read is given up', async () => {
    const directory = await topicOnDisk('failing-read');
    await hurt.faults(BROKER).strike('disk-fail', { path: directory, operation: 'read', error: 'EIO' });
    expect(await hurt.fetchError(BROKER, 'failing-read')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });

  it('that is gone is given up, and the broker ends with the last one', async () => {
    const topic = 'on-what-is-gone';
    const directory = await topicOnDisk(topic);
    const gone = await hurt.faults(BROKER).strike('disk-gone', { path: directory });
    await fails(topic, directory);
    await gone.heal();
    const { child } = hurt.cluster.broker(BROKER);
    await hurt.faults(BROKER).strike('disk-gone');
    await eventually('every directory is written to, and it has ended', async () => {
      for (const each of topics) await produced(each).catch(() => {});
      return child.ended === 'exit status 1';
    });
    await hurt.cluster.restart(BROKER);
    expect(await produced(topic)).toBe(ErrorCode.NONE);
  }, 180_000);
});

it('only what is in a log directory can be hurt', async () => {
  for (const path of ['/etc', 'relative', `${disks}/a/../../etc`, `${disks}/ab`, '/**', ''])
    await expect(hurt.faults(BROKER).strike('disk-gone', { path }), path).rejects.toThrow(
      `path must be absolute and in a log directory: ${disks}/a, `,
    );
});
