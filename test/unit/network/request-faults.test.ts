/** Which requests a fault strikes, and how often. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { MetRequest } from '../../../broker/network/interference.ts';
import { type RequestFault, RequestFaults } from '../../../broker/network/request-faults.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../../broker/protocol/messages/01-fetch.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { OffsetFetch } from '../../../broker/protocol/messages/09-offset-fetch.ts';
import type { AnyApi } from '../../../broker/protocol/schema.ts';

const STRIKE = { carriedOut: false, outcome: { error: ErrorCode.NOT_CONTROLLER }, delayMs: 0 } as const;
const origin = {
  id: 'c1',
  listener: 'PLAINTEXT',
  remoteHost: '10.0.0.1',
  securityProtocol: 'PLAINTEXT',
} as const;

function faults(fraction = 0, witness: (() => void) | null = null): RequestFaults {
  const topicName = (id: string) => (id === 'the-id' ? 't' : undefined);
  return new RequestFaults({ fraction: () => fraction, topicName, witness, sparedClientId: 'kit' });
}

function fault(filter: RequestFault['filter'], times = 1, more: Partial<RequestFault> = {}): RequestFault {
  return { filter, strike: STRIKE, budget: { left: times }, ...more };
}

function request(api: AnyApi, body: object = {}, clientId = 'me'): MetRequest {
  const header = { apiKey: api.key, apiVersion: 0, correlationId: 1, clientId, bodyOffset: 0 };
  return { api, header, origin, frame: Buffer.alloc(0), body: body as MetRequest['body'] };
}

const produceTo = (name: string, ...indexes: number[]) =>
  request(Produce, {
    topicData: [{ name, partitionData: indexes.map((index) => ({ index, records: null })) }],
  });

describe('a fault', () => {
  it('strikes as often as it has in its budget, also with others of that budget', () => {
    const [one, other] = [faults(), faults()];
    const shared = fault({ apiKey: Metadata.key }, 2);
    const placed = one.add(shared);
    other.add(shared);
    expect(one.meet(request(Produce))).toBeNull();
    expect([one, other, one, other].map((each) => each.meet(request(Metadata)))).toEqual([
      STRIKE,
      STRIKE,
      null,
      null,
    ]);
    expect(placed.struck).toBe(1);
    expect([one.placed, other.placed]).toEqual([[], []]);
  });

  it('strikes a topic and a partition wherever a request names them', () => {
    const table = faults();
    table.add(fault({ topic: 't', partition: 1 }, 100));
    const struck = [
      produceTo('t', 0, 1),
      request(Fetch, { sessionId: 0, topics: [{ topicId: 'the-id', partitions: [{ partition: 1 }] }] }),
      request(Fetch, { sessionId: 7, topics: [] }),
      request(OffsetFetch, { groups: [{ groupId: 't', topics: [{ name: 't', partitionIndexes: [1] }] }] }),
    ];
    const spared = [
      produceTo('t', 0),
      produceTo('u', 1),
      request(Fetch, { sessionId: 0, topics: [{ topicId: 'another', partitions: [{ partition: 1 }] }] }),
      request(Fetch, { sessionId: 0, topics: [] }),
      request(OffsetFetch, { groups: [{ groupId: 't', topics: null }] }),
    ];
    expect(struck.map((each) => table.meet(each))).toEqual(struck.map(() => STRIKE));
    expect(spared.map((each) => table.meet(each))).toEqual(spared.map(() => null));
  });

  it('strikes one client, and never the one who places faults', () => {
    const table = faults();
    table.add(fault({ clientId: 'me' }, 100));
    table.add(fault({}, 1));
    expect(table.meet(request(Metadata, {}, 'kit'))).toBeNull();
    expect(table.meet(request(Metadata, {}, 'me'))).toBe(STRIKE);
    expect(table.meet(request(Metadata, {}, 'other'))).toBe(STRIKE);
    expect(table.meet(request(Metadata, {}, 'other'))).toBeNull();
  });

  it('strikes its share', () => {
    const [lucky, unlucky] = [faults(0.5), faults(0.49)];
    for (const table of [lucky, unlucky]) table.add(fault({}, 1, { probability: 0.5 }));
    expect(lucky.meet(request(Metadata))).toBeNull();
    expect(unlucky.meet(request(Metadata))).toBe(STRIKE);
  });

  it('can be taken away', () => {
    const table = faults();
    table.add(fault({})).remove();
    expect(table.meet(request(Metadata))).toBeNull();
  });
});

describe('the slot', () => {
  it('is empty as long as there is nothing to do', () => {
    const table = faults();
    expect(table.current).toBeNull();
    const placed = table.add(fault({}));
    expect(table.current).toBe(table);
    placed.remove();
    expect(table.current).toBeNull();
    table.limitVersions(new Map());
    expect(table.current).toBe(table);
    table.clear();
    expect(table.current).toBeNull();
    expect(faults(0, () => {}).current).not.toBeNull();
  });

  it('owns up to the versions that it is limited to, but to the one who limits them', () => {
    const table = faults();
    table.limitVersions(
      new Map([
        [Metadata.key, { min: 2, max: 99 }],
        [Fetch.key, null],
      ]),
    );
    expect(table.versionsOf(Metadata, 'me')).toEqual({ min: 2, max: Metadata.maxVersion });
    expect(table.versionsOf(Metadata, 'kit')).toEqual({ min: 0, max: Metadata.maxVersion });
    expect(table.versionsOf(Fetch, null)).toBeNull();
    expect(table.versionsOf(Produce, 'me')).toEqual({ min: 0, max: Produce.maxVersion });
  });
});
