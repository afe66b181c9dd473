/** What handlers share: how requests name things, what clients see of brokers, and formats of old clients. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { downConverted, legacyMagicOf } from '../../../broker/handlers/shared/down-conversion.ts';
import type { Fetched } from '../../../broker/handlers/shared/fetch-response.ts';
import { namedOnce, onceEach, repeatedNames } from '../../../broker/handlers/shared/named-once.ts';
import { aliveNode, aliveNodes, nodeEndpoints } from '../../../broker/handlers/shared/nodes.ts';
import { partitionAllowance } from '../../../broker/handlers/shared/request-allowances.ts';
import { atOnce } from '../../../broker/platform/turns.ts';
import { LateBytes } from '../../../broker/protocol/late-bytes.ts';
import { type BatchInput, buildBatch } from '../../../broker/records/build.ts';
import { downConvert } from '../../../broker/records/convert.ts';
import { DecompressionAllowance } from '../../../broker/records/decompression-allowance.ts';
import { AnswerMemory, NO_CLAIM } from '../../../broker/replication/requests/answer-memory.ts';
import { bytesOfPart } from '../../support/message-bytes.ts';
import { broker, metadataOf, partition, services } from './support.ts';

interface Topic {
  readonly name: string;
  readonly partitions: readonly { readonly index: number; readonly value: string }[];
}

type Partition = Topic['partitions'][number];
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

const SHAPE: Parameters<typeof namedOnce<Topic, Partition>>[1] = {
  partitionsOf: ({ partitions }) => partitions,
  indexOf: ({ index }) => index,
  topic: (name, partitions) => ({ name, partitions }),
};

/** `t0=a t1=b u0=c`: a topic for each run of the same name. */
function topics(text: string): Topic[] {
  return text.split(' ').map((part) => {
    const [name = '', ...values] = part.split(',');
    return {
      name,
      partitions: values.map((value) => ({ index: Number(value[0]), value: value.slice(1) })),
    };
  });
}

const words = (list: readonly Topic[]): string =>
  list
    .map(({ name, partitions }) => [name, ...partitions.map((one) => `${one.index}${one.value}`)].join())
    .join(' ');

describe('partitions of a request', () => {
  it('that are named once are taken as they are, in any order', () => {
    for (const text of ['t,0a', 't,0a,1b,2c u,0d', 't,2a,0b']) {
      const asked = topics(text);
      expect(atOnce(namedOnce(asked, SHAPE))).toBe(asked);
    }
  });

  it.each([
    ['within a topic', 't,0a,1b,0c', 't,0c,1b'],
    ['in the topic named again', 't,0a u,0b t,0c', 't,0c u,0b'],
    ['next to each other', 't,0a,0b,0c', 't,0c'],
    ['at other numbers of a topic named again', 't,1a t,0b', 't,1a,0b'],
  ])('that are named again %s count as named last', (_where, asked, taken) => {
    expect(words(atOnce(namedOnce(topics(asked), SHAPE)))).toBe(taken);
  });

  it('of a topic without any are not spoken of', () => {
    expect(words(atOnce(namedOnce(topics('t u,0a'), SHAPE)))).toBe('u,0a');
  });

  it('to be made fit into what one request may make, and those that do not take nothing from the others', () => {
    const fits = partitionAllowance(10);
    expect([6, 5, 4, 1, 0, -1, 1].map(fits)).toEqual([true, false, true, false, true, true, false]);
  });

  it('are of names that stand there once, or are told as repeated', () => {
    const repeated = (names: readonly string[]) => [...atOnce(repeatedNames(names, (name) => name))];
    expect(repeated(['a', 'b', 'a', 'c', 'a'])).toEqual(['a']);
    expect(repeated([])).toEqual([]);
  });
});

describe('things that a request names', () => {
  const keyOf = (text: string): string => text.slice(0, 1);

  it('again count once, as named last, in the place of the first', () => {
    expect(atOnce(onceEach(['a1', 'b1', 'a2', 'c1', 'a3'], keyOf))).toEqual(['a3', 'b1', 'c1']);
  });

  it('once are the list itself', () => {
    const named = ['a1', 'b1'];
    expect(atOnce(onceEach(named, keyOf))).toBe(named);
  });
});

describe('brokers as a client sees them', () => {
  const metadata = metadataOf(
    [partition('t1', 0)],
    [broker(3, ['OTHER']), broker(2, ['PLAINTEXT', 'OTHER']), broker(1)],
  );

  it('are those that have the listener it came in on, by id', () => {
    expect(aliveNodes(metadata, 'PLAINTEXT')).toEqual([
      { id: 1, host: 'host1', port: 9092, rack: 'r1' },
      { id: 2, host: 'host2', port: 9092, rack: null },
    ]);
    expect(aliveNodes(metadata, 'OTHER').map(({ id }) => id)).toEqual([2, 3]);
    expect(aliveNodes(metadata, 'NONE')).toEqual([]);
  });

  it('are none where the broker is dead, or does not have the listener', () => {
    expect(aliveNode(metadata, 2, 'PLAINTEXT')?.host).toBe('host2');
    expect([aliveNode(metadata, 3, 'PLAINTEXT'), aliveNode(metadata, 9, 'PLAINTEXT')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('are pointed to, when they are leaders that it can reach', () => {
    expect(nodeEndpoints(metadata, 'PLAINTEXT', new Set([2, 3, 9]))).toEqual([
      { nodeId: 2, host: 'host2', port: 9092, rack: null },
    ]);
  });
});

describe('records for a client of an old version', () => {
  const outcomeOf = (records: Buffer): Fetched => ({
    wanted: {
      ...{ topic: 't', topicId: NO_ID, partition: 0, maxBytes: 1000, logStartOffset: -1 },
      ...{ fetchOffset: 0, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
    },
    isFull: false,
    error: ErrorCode.NONE,
    records,
    release: () => {},
    giveBack: () => {},
    claim: NO_CLAIM,
    highWatermark: 7,
    lastStableOffset: 7,
    logStartOffset: 1,
    abortedTransactions: null,
    divergingEpoch: null,
    preferredReadReplica: -1,
    currentLeader: null,
  });
  const batch = (codec: BatchInput['codec']) =>
    buildBatch({
      codec: codec ?? 'none',
      records: [{ timestampMs: 5, key: null, value: Buffer.from('v'.repeat(99)) }],
    });
  const conversion = (enabled: boolean) => ({
    toMagic: 1 as const,
    from: 'c1',
    services: services({ logs: { log: () => ({ config: { messageDownconversionEnable: enabled } }) } }),
  });

  it('are of magic 0 in Fetch v0 and v1, of magic 1 in v2 and v3, and as they are from v4 on', () => {
    expect([0, 1, 2, 3, 4, 17].map(legacyMagicOf)).toEqual([0, 0, 1, 1, null, null]);
  });

  it('are converted, unless the topic does not want that', async () => {
    const [converted] = await downConverted([outcomeOf(batch('none'))], conversion(true));
    expect([converted?.error, converted && bytesOfPart(converted.records)[16]]).toEqual([ErrorCode.NONE, 1]);
    expect(await downConverted([outcomeOf(batch('none'))], conversion(false))).toMatchObject([
      {
        error: ErrorCode.UNSUPPORTED_VERSION,
        records: { length: 0 },
        highWatermark: -1,
        lastStableOffset: -1,
        logStartOffset: -1,
      },
    ]);
  });

  it('that are compressed with zstd, which came later, are refused', async () => {
    const [refused] = await downConverted([outcomeOf(batch('zstd'))], conversion(true));
    expect(refused?.error).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  });

  it('that would be read when they are sent come from who has not asked for them at once', () => {
    class Late extends LateBytes {
      readonly length = 99;
      override read(): void {}
    }
    const late = { ...outcomeOf(Buffer.alloc(0)), records: new Late() };
    expect(() => downConverted([late], conversion(true))).toThrow(/were not read/);
  });

  it('that are none stay none, also where conversion is off', async () => {
    const nothing = outcomeOf(Buffer.alloc(0));
    expect(await downConverted([nothing], conversion(false))).toEqual([nothing]);
  });

  it.each([10, 3000])('take the memory of %i converted records in place of what was read', async (count) => {
    const records = Array.from({ length: count }, (_, at) => ({ timestampMs: at, value: Buffer.alloc(99) }));
    const read = buildBatch({ records });
    const memory = new AnswerMemory(128 * 1024 * 1024);
    const claim = memory.claim(read.length);
    let released = 0;
    const giveBack = () => {
      released += 1;
    };
    const release = () => {
      giveBack();
      claim.end();
    };
    let timesOfRoom = 0;
    memory.add(128 * 1024 * 1024 - 1);
    memory.whenRoom(() => {
      timesOfRoom += 1;
    });
    const given = { ...outcomeOf(read), claim, giveBack, release };
    const converting = downConverted([given], conversion(true));
    expect(converting instanceof Promise).toBe(count === 3000);
    const [converted] = await converting;
    // What takes the place of something else leaves no room for others in between.
    expect([released > 0, timesOfRoom]).toEqual([true, 0]);
    memory.add(-(128 * 1024 * 1024 - 1));
    expect(memory.usedBytes).toBe(converted?.records.length);
    expect(memory.usedBytes).toBeGreaterThan(count * 99);
    converted?.claim.end();
    release();
    expect(memory.usedBytes).toBe(0);
  });

  it('come in the order of their partitions, and converted elsewhere when they are too much for one turn', async () => {
    const large = buildBatch({
      records: Array.from({ length: 3000 }, (_, at) => ({ timestampMs: at, value: Buffer.alloc(99) })),
    });
    const given = [batch('none'), Buffer.alloc(0), large, batch('zstd')].map(outcomeOf);
    const promise = downConverted(given, conversion(true));
    expect(promise).toBeInstanceOf(Promise);
    const converted = await promise;
    const unhurried = {
      toMagic: 1,
      fetchOffset: 0,
      decompression: new DecompressionAllowance(),
      allowance: { bytesLeft: 1e6 },
    } as const;
    expect(converted.map(({ records }) => bytesOfPart(records))).toEqual([
      downConvert(batch('none'), unhurried).bytes,
      Buffer.alloc(0),
      downConvert(large, unhurried).bytes,
      Buffer.alloc(0),
    ]);
    expect(converted[3]?.error).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  });
});
