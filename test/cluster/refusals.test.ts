/** What a broker refuses at its start: one clear line, the right exit status, and nothing harmed. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../../scripts/cluster/child.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

let real: RealCluster;
let other: RealCluster;
let count = 0;

beforeAll(async () => {
  [real, other] = await Promise.all([startRealCluster({ brokers: 1 }), startRealCluster({ brokers: 1 })]);
});

afterAll(async () => {
  await Promise.all([real.close(), other.close()]);
});

/** Runs a broker that must not come up; its exit status and last words. */
async function refused(properties: Record<string, string>): Promise<{ ended: string | null; words: string }> {
  count++;
  const directory = join(real.cluster.options.directory, `refused-${count}`);
  mkdirSync(directory);
  const file = join(directory, 'server.properties');
  const all = {
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': join(directory, 'data'),
    'zookeeper.connect': real.cluster.zookeeperConnect,
    'zookeeper.session.timeout.ms': '2000',
    ...properties,
  };
  writeFileSync(
    file,
    Object.entries(all)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const child = new Child({
    name: 'the refused broker',
    argv: ['broker', '--config', file],
    logFile: join(directory, 'log'),
  });
  await expect(child.started(60_000)).rejects.toThrow('ended with');
  return { ended: child.ended, words: readFileSync(join(directory, 'log'), 'utf8') };
}

describe('a broker does not start', () => {
  it('with the id of one that lives', async () => {
    const { ended, words } = await refused({ 'broker.id': '1' });
    expect(ended).toBe('exit status 1');
    expect(words).toMatch(/broker id 1 is registered by ZooKeeper session 0x[0-9a-f]+ \(PLAINTEXT:/);
    expect(words).toContain('it is alive: stop that broker, or give this one another broker.id');
    expect((await real.health(1))?.healthy).toBe(true);
  });

  it('on the log directory of another cluster, which stays as it was', async () => {
    const foreign = join(other.cluster.broker(1).directory, 'data');
    const copy = join(real.cluster.options.directory, 'foreign');
    cpSync(foreign, copy, { recursive: true, filter: (name) => !name.endsWith('.lock') });
    const meta = readFileSync(join(copy, 'meta.properties'), 'utf8');
    const { ended, words } = await refused({ 'broker.id': '7', 'log.dirs': copy });
    expect(ended).toBe('exit status 1');
    expect(words).toMatch(/cluster/i);
    expect(readFileSync(join(copy, 'meta.properties'), 'utf8')).toBe(meta);
  });

  it('on a log directory that a living broker uses', async () => {
    const { ended, words } = await refused({
      'broker.id': '7',
      'log.dirs': join(real.cluster.broker(1).directory, 'data'),
    });
    expect(ended).toBe('exit status 1');
    expect(words).toMatch(/lock/i);
    expect((await real.health(1))?.healthy).toBe(true);
  });

  it('on a port that is in use', async () => {
    const { ended, words } = await refused({
      'broker.id': '7',
      listeners: `PLAINTEXT://127.0.0.1:${real.cluster.broker(1).port}`,
    });
    expect(ended).toBe('exit status 1');
    expect(words).toContain('EADDRINUSE');
  });

  it('with a value that is not allowed, and names the key and what is allowed', async () => {
    const { ended, words } = await refused({ 'broker.id': '7', 'num.partitions': '0' });
    expect(ended).toBe('exit status 2');
    expect(words.trim().split('\n')).toHaveLength(1);
    expect(words).toContain('Invalid value 0 for configuration num.partitions: Value must be at least 1');
  });

  it('with a listener that it cannot serve', async () => {
    const { ended, words } = await refused({
      'broker.id': '7',
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
      'security.inter.broker.protocol': 'SASL_PLAINTEXT',
    });
    expect(ended).toBe('exit status 2');
    expect(words).toContain('listener.name.sasl_plaintext.sasl.enabled.mechanisms: GSSAPI');
  });

  it('without ZooKeeper, and says where it looked', async () => {
    const { ended, words } = await refused({
      'broker.id': '7',
      'zookeeper.connect': '127.0.0.1:1',
      'zookeeper.connection.timeout.ms': '1000',
    });
    expect(ended).toBe('exit status 1');
    expect(words).toContain('127.0.0.1:1');
  });
});

describe('a broker starts', () => {
  it('without broker.id: it takes one above the reserved ids and keeps it', async () => {
    const directory = join(real.cluster.options.directory, 'generated');
    mkdirSync(directory);
    const file = join(directory, 'server.properties');
    writeFileSync(
      file,
      `listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs=${directory}/data\nzookeeper.connect=${real.cluster.zookeeperConnect}\ncontrolled.shutdown.enable=false\nnot.a.config=1\n`,
    );
    const log = join(directory, 'log');
    const ids: string[] = [];
    for (let round = 0; round < 2; round++) {
      const child = new Child({
        name: 'the nameless broker',
        argv: ['broker', '--config', file],
        logFile: log,
      });
      await child.started(60_000);
      ids.push(
        /^broker.id=(\d+)$/m.exec(readFileSync(join(directory, 'data/meta.properties'), 'utf8'))?.[1] ?? '',
      );
      await child.stop(60_000);
      expect(child.ended).toBe('exit status 0');
    }
    expect(ids[0]).toBe(ids[1]);
    expect(Number(ids[0])).toBeGreaterThan(1000);
    expect(readFileSync(log, 'utf8')).toContain(
      "The configuration 'not.a.config' was supplied but isn't a known config.",
    );
  });
});
