/**
 * Apache Kafka 3.9.1 as the judge of what we answer: both brokers get the same bytes, requests of every
 * API and version that is served here and thousands with one thing about them changed, and must make the
 * same of them, but for what deliberate.ts gives a reason for.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { skipped } from '../interop-cluster.ts';
import { jarsLack } from '../java-jars.ts';
import { readAnswer } from './answers.ts';
import { allCases } from './cases.ts';
import { DELIBERATE, type Deliberate, entriesFor, explains, UNSERVED } from './deliberate.ts';
import { CORRELATION_ID, Line } from './line.ts';
import { type Pair, startPair } from './pair.ts';
import { type Judged, runAll } from './run.ts';

const skip = skipped('what Apache Kafka answers to the same bytes', jarsLack('3.9.1'));

describe.skipIf(skip)('to the same bytes', () => {
  let pair: Pair;
  let judged: readonly Judged[] = [];

  beforeAll(async () => {
    pair = await startPair();
    judged = await runAll(pair, allCases());
  }, 180_000);
  afterAll(() => pair?.close());

  it('Kafka answers the same, or there is a reason', () => {
    const unexplained = judged.flatMap(({ sent, found }) => {
      const entries = entriesFor(sent);
      return found
        .filter((difference) => !entries.some((entry) => explains(entry, difference)))
        .map(({ at, ours, kafkas }) => `${title(sent)}: ${at}: ours ${ours}, Kafka's ${kafkas}`);
    });
    expect([...new Set(unexplained)].slice(0, 100)).toEqual([]);
  });

  it('every reason is still needed', () => {
    const needed = new Set<Deliberate>();
    for (const { sent, found } of judged) {
      for (const entry of entriesFor(sent)) {
        if (found.some((difference) => explains(entry, difference))) needed.add(entry);
      }
    }
    const useless = DELIBERATE.filter((entry) => !needed.has(entry));
    expect(useless.map(({ api, paths, reason }) => `${api} ${paths ?? ''}: ${reason}`)).toEqual([]);
  });

  it('most requests of every API are answered alike, and all that are whole are answered', () => {
    for (const { api } of HANDLERS.values()) {
      const ofApi = judged.filter(({ sent }) => sent.api === api);
      const alike = ofApi.filter(({ found }) => found.length === 0);
      expect(alike.length, api.name).toBeGreaterThan(ofApi.length / 2);
      const whole = ofApi.filter(({ sent }) => sent.path === '');
      expect(whole.length, api.name).toBeGreaterThan(api.maxVersion - api.minVersion);
      for (const { sent, ours } of whole) expect(ours.ended, title(sent)).toBe('answered');
    }
  });

  it('both end the connection at an API that neither serves', async () => {
    const [ours, kafkas] = [new Line(pair.ours.port), new Line(pair.kafkas.port)];
    for (const key of [-1, 52, 55, 59, 62, 70, 80, 81, 9999, 0x7fff, -0x8000]) {
      const frame = Buffer.from([0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, CORRELATION_ID, 0xff, 0xff]);
      frame.writeInt16BE(key, 4);
      const outcomes = await Promise.all([ours, kafkas].map((line) => line.send(frame, 5000)));
      expect(
        outcomes.map(({ ended }) => ended),
        `API ${key}`,
      ).toEqual(['closed', 'closed']);
    }
    ours.close();
    kafkas.close();
  });

  it('both announce the same APIs in the same versions, but for those that are known not to be served', () => {
    for (let version = 0; version <= ApiVersions.maxVersion; version++) {
      const asked = judged.find(
        ({ sent }) => sent.api === ApiVersions && sent.path === '' && sent.version === version,
      );
      const [ours, kafkas] = [announced(asked?.ours, version), announced(asked?.kafkas, version)];
      const unserved = UNSERVED.flatMap(({ keys }) => keys);
      for (const key of unserved) {
        expect([ours.has(key), kafkas.has(key)], `API ${key}`).toEqual([false, true]);
        kafkas.delete(key);
      }
      expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(kafkas));
      expect(ours.size).toBe(HANDLERS.size);
    }
  });
});

/** The versions of each API that a broker announces, by key. */
function announced(outcome: Judged['ours'] | undefined, version: number): Map<number, string> {
  const answer = readAnswer(ApiVersions, version, outcome?.answer ?? Buffer.alloc(0)) as unknown as {
    readonly apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[];
  };
  return new Map(
    answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, `${minVersion}-${maxVersion}`]),
  );
}

function title({ api, version, sample, path, mutation }: Judged['sent']): string {
  return `${api.name} v${version} [${sample}] ${path} ${mutation}`.trimEnd();
}
