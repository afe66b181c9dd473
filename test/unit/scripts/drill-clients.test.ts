/** Somebody's clients in a drill: what is read of their conversations, and what is told of it. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { requestFrame, responseFrame } from '../../../broker/protocol/frame.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import type { AnyApi, RequestInput, ResponseInput } from '../../../broker/protocol/schema.ts';
import { type AnsweredRequest, AnsweredRequests } from '../../../scripts/drills/answered-requests.ts';
import { catalogue } from '../../../scripts/drills/catalogue.ts';
import { clientsScore, clientsSeen } from '../../../scripts/drills/client-answers.ts';
import { ConversationReader } from '../../../scripts/drills/conversation-reader.ts';
import { judgedBy } from '../../../scripts/drills/judgement.ts';
import { kafkaLacks } from '../../../scripts/drills/kafka-lacks.ts';
import { clientLines } from '../../../scripts/drills/post-mortem.ts';

function conversation(clientId = 'shop') {
  const requests = new AnsweredRequests();
  const reader = new ConversationReader(requests);
  return {
    requests,
    reader,
    ask<A extends AnyApi>(api: A, version: number, correlationId: number, request: RequestInput<A>) {
      reader.asked(Buffer.concat(requestFrame(api, version, { correlationId, clientId }, request)));
    },
    answer<A extends AnyApi>(api: A, version: number, correlationId: number, response: ResponseInput<A>) {
      reader.answered(Buffer.concat(responseFrame(api, { version, correlationId }, response) as Buffer[]));
    },
  };
}

const PRODUCE = { acks: -1, timeoutMs: 1000, topicData: [] };

function acknowledged(...errorCodes: number[]): ResponseInput<typeof Produce> {
  const partitionResponses = errorCodes.map((errorCode, index) => ({ index, errorCode, baseOffset: 0 }));
  return { responses: [{ name: 'orders', partitionResponses }] };
}

describe("a client's conversation", () => {
  it('is read with the errors that stand anywhere in an answer, and with what was acknowledged', () => {
    const { requests, ask, answer } = conversation();
    ask(Produce, 9, 1, PRODUCE);
    ask(Metadata, 12, 2, { topics: null });
    answer(Produce, 9, 1, acknowledged(ErrorCode.NONE, ErrorCode.NOT_LEADER_OR_FOLLOWER));
    answer(Metadata, 12, 2, {});
    expect(requests.all.map(({ api, clientId, error }) => [api, clientId, error])).toEqual([
      ['Produce', 'shop', 'NOT_LEADER_OR_FOLLOWER'],
      ['Metadata', 'shop', null],
    ]);
    expect(requests.firstTopic).toBe('orders');
    expect(requests.acknowledgedIn('orders')).toEqual([1]);
  });

  it('leaves out what has no answer, and counts what was not answered when the connection ends', () => {
    const { requests, reader, ask, answer } = conversation();
    ask(Produce, 9, 1, { ...PRODUCE, acks: 0 });
    ask(Produce, 9, 2, PRODUCE);
    ask(Produce, 9, 3, PRODUCE);
    answer(Produce, 9, 2, acknowledged(ErrorCode.NONE));
    reader.closed();
    expect(requests.all.map(({ error }) => error)).toEqual([null, 'connection lost']);
  });

  it('goes on after a version that the broker does not know', () => {
    const { requests, ask, answer } = conversation();
    ask(ApiVersions, 3, 1, { clientSoftwareName: 'a', clientSoftwareVersion: '1' });
    answer(ApiVersions, 0, 1, { errorCode: ErrorCode.UNSUPPORTED_VERSION });
    ask(Produce, 9, 2, PRODUCE);
    answer(Produce, 9, 2, acknowledged(ErrorCode.NONE));
    expect(requests.all.map(({ error }) => error)).toEqual(['UNSUPPORTED_VERSION', null]);
  });

  it('that is none of Kafka is let alone, and the questions of a drill are not counted', () => {
    const stranger = conversation();
    stranger.reader.asked(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    stranger.ask(Produce, 9, 1, PRODUCE);
    stranger.answer(Produce, 9, 1, acknowledged(ErrorCode.NONE));
    const drill = conversation('odradek-drill');
    drill.ask(Produce, 9, 1, PRODUCE);
    drill.answer(Produce, 9, 1, acknowledged(ErrorCode.NONE));
    for (const { requests } of [stranger, drill]) {
      expect(requests.all).toEqual([]);
      expect(requests.firstTopic).toBeNull();
    }
  });
});

describe('what clients had of a drill', () => {
  const at = (atMs: number, error: string | null = null): AnsweredRequest => ({
    ...{ api: 'Produce', clientId: 'a|b', atMs, tookMs: 10, error },
  });
  const requests = [at(0), at(500), at(1000), at(2000, 'NOT_ENOUGH_REPLICAS'), at(4000), at(4500)];
  const watched = { requests, isPartial: false, during: { fromMs: 900, toMs: 4200 }, untilMs: 9510 };
  const seen = clientsSeen(watched);

  it('is for how long each got nowhere, as long as it was heard, and how long answers took when', () => {
    expect(seen.clients).toEqual([
      {
        clientId: 'a|b',
        produce: { beforeMs: 500, sinceMs: 3000 },
        fetch: { beforeMs: null, sinceMs: null },
        silentMs: 5000,
      },
    ]);
    expect(seen.apis).toMatchObject([
      { api: 'Produce', before: { count: 2 }, during: { count: 2, p99Ms: 10 }, after: { count: 1 } },
    ]);
    expect(clientLines(seen).join('\n')).toContain('| a b | 0.50 s, 3.00 s | -, - | 5.00 s before the end |');
  });

  it('is judged by what can be seen of it: nobody but they know what is lost', () => {
    const score = clientsScore(watched, seen);
    expect(score).toMatchObject({ acknowledged: 5, lost: null, unavailableMs: [3000] });
    const verdicts = judgedBy(
      [
        { must: 'lost', most: 0 },
        { must: 'unavailable', mostMs: 2000 },
        { must: 'answered', error: 'NOT_ENOUGH_REPLICAS' },
      ],
      score,
      new Set(),
    );
    expect(verdicts.map(({ held }) => held)).toEqual([false, true]);
  });
});

describe('drills on Apache Kafka', () => {
  const lacking = (lacksCuts: string | null): Map<string, string | null> =>
    new Map(catalogue().map((drill) => [drill.name, kafkaLacks(drill, lacksCuts)]));

  it('are those that kill, stop and cut off; what needs the fault API says so', () => {
    const lacks = lacking(null);
    expect(lacks.get('leader-killed')).toBeNull();
    expect(lacks.get('one-way-cut')).toBeNull();
    expect(lacks.get('zookeeper-quorum-lost')).toBeNull();
    expect(lacks.get('disk-full')).toBe('disk-full needs the fault API, which Apache Kafka does not have');
    expect(lacks.get('reconnect-storm')).toContain('fault API');
  });

  it('need namespaces for cuts between brokers only', () => {
    const lacks = lacking('no namespaces');
    expect(lacks.get('leader-cut-from-zookeeper')).toBeNull();
    expect(lacks.get('leader-cut-from-followers')).toBe('no namespaces');
  });

  it('are judged without the journals that Kafka does not keep', () => {
    const score = {
      ...clientsScore(
        { requests: [], isPartial: false, during: { fromMs: 0, toMs: 1 }, untilMs: 1 },
        { apis: [], clients: [], isPartial: false },
      ),
      lost: 0,
    };
    expect(
      judgedBy(
        [
          { must: 'event', kind: 'leader-moved' },
          { must: 'lost', most: 0 },
        ],
        score,
        null,
      ),
    ).toMatchObject([{ held: true, words: 'lost: 0 (at most 0)' }]);
  });
});
