/**
 * kcat (librdkafka), as today's client and as one that takes the brokers for 0.9 or 0.8, which writes
 * message format v0 and wants to read it: records are converted both ways. (Told that they are 0.10 it
 * asks for ApiVersions all the same; format v1 is kafka-python's part.)
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  commandLacks,
  type InteropCluster,
  skipped,
  startInteropCluster,
  storedAs,
} from './interop-cluster.ts';

const run = promisify(execFile);
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const OLD = ['0.9.0.1', '0.8.2.2'];
const skip = skipped('kcat', commandLacks('kcat', ['-V']));

let interop: InteropCluster;
beforeAll(async () => {
  if (!skip) interop = await startInteropCluster();
});
afterAll(() => interop?.close());

async function kcat(argv: readonly string[], input = ''): Promise<string> {
  const child = run('kcat', ['-b', interop.bootstrap, '-X', 'fetch.wait.max.ms=50', ...argv], {
    timeout: 60_000,
  });
  child.child.stdin?.end(input);
  return (await child).stdout;
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, index) => `key-${index % 7}:value-${index}-${'x'.repeat(50)}\n`);

/** All of partition 0 by a simple consumer, as key:value lines. */
const readAll = (topic: string, ...more: string[]) =>
  kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q', '-K', ':', ...more]);

/** A broker that is asked first makes the topic; then all know it. */
async function createTopic(topic: string): Promise<void> {
  await eventually(`topic ${topic} is led`, async () =>
    (await kcat(['-L', '-t', topic])).includes('partition 0, leader'),
  );
}

describe.skipIf(skip)('kcat', () => {
  test.each(CODECS)('produces and consumes %s', async (codec) => {
    const sent = lines(300);
    await kcat(['-P', '-t', `codec-${codec}`, '-z', codec, '-K', ':', '-X', 'linger.ms=50'], sent.join(''));
    expect(await readAll(`codec-${codec}`)).toBe(sent.join(''));
    expect(await storedAs(interop, `codec-${codec}`)).toEqual({ magic: 2, codec });
  });

  test('keeps keys, headers and null values; an idempotent producer', async () => {
    const produce = ['-P', '-t', 'records', '-p', '0', '-X', 'enable.idempotence=true'];
    await kcat([...produce, '-k', 'clé', '-H', 'trace=abc', '-H', 'other=x'], 'värde');
    await kcat([...produce, '-Z', '-K', ':'], 'tombstone:\n');
    const format = '%k|%s|%S|%h|%o\n';
    const read = ['-C', '-t', 'records', '-o', 'beginning', '-e', '-q', '-f', format];
    expect(await kcat(read)).toBe('clé|värde|6|trace=abc,other=x|0\ntombstone||-1||1\n');
  });

  test('lists the cluster, offsets by time', async () => {
    await kcat(['-P', '-t', 'times', '-p', '0'], 'a\nb\n');
    const listed = JSON.parse(await kcat(['-L', '-J', '-t', 'times']));
    expect(listed.brokers).toHaveLength(3);
    expect(listed.topics[0].partitions[0].isrs).toHaveLength(3);
    expect(await kcat(['-Q', '-t', 'times:0:-1', '-t', 'times:0:0'])).toContain('times [0] offset');
    expect(await kcat(['-Q', '-t', 'times:0:-1'])).toBe('times [0] offset 2\n');
    expect(await kcat(['-Q', '-t', 'times:0:1'])).toBe('times [0] offset 0\n');
    expect(await kcat(['-C', '-t', 'times', '-o', '-1', '-e', '-q'])).toBe('b\n');
  });

  test('a balanced consumer commits and goes on from there', async () => {
    await kcat(['-P', '-t', 'grouped', '-p', '0'], 'a\nb\nc\n');
    const member = (limit: string) =>
      kcat(['-G', 'kcat-group', '-q', '-c', limit, '-X', 'auto.offset.reset=earliest', 'grouped']);
    expect(await member('2')).toBe('a\nb\n');
    expect(await member('1')).toBe('c\n');
  });
});

describe.skipIf(skip).each(OLD)('kcat that takes the brokers for %s', (version) => {
  const old = ['-X', 'api.version.request=false', '-X', `broker.version.fallback=${version}`];
  const codecs = version === '0.8.2.2' ? ['none', 'gzip', 'snappy'] : ['none', 'gzip', 'snappy', 'lz4'];

  test.each(codecs)('writes %s for today, and for itself', async (codec) => {
    const topic = `old-${version}-${codec}`;
    const sent = lines(300).join('');
    await createTopic(topic);
    await kcat(['-P', '-t', topic, '-p', '0', '-z', codec, '-K', ':', ...old], sent);
    expect(await readAll(topic)).toBe(sent);
    expect(await readAll(topic, ...old)).toBe(sent);
    expect(await storedAs(interop, topic)).toEqual({ magic: 2, codec });
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])("reads today's %s", async (codec) => {
    const topic = `new-${version}-${codec}`;
    const sent = lines(300).join('');
    await createTopic(topic);
    await kcat(['-P', '-t', topic, '-p', '0', '-z', codec, '-K', ':', '-H', 'trace=abc'], sent);
    if (codec !== 'zstd') expect(await readAll(topic, ...old)).toBe(sent);
    else await expect(readAll(topic, ...old)).rejects.toThrow();
  });
});
