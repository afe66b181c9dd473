/** Requests and answers of very many elements: handled over several turns of the event loop. */
import { expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { defineHandler, type Handler } from '../../../broker/handlers/handler.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import { Alone, NotYet, type RequestOutcome } from '../../../broker/network/outcome.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { ELEMENTS_PER_STEP } from '../../../broker/protocol/field-facts.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { JoinGroup } from '../../../broker/protocol/messages/11-join-group.ts';
import type { AnyApi, RequestInput } from '../../../broker/protocol/schema.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { World } from '../../support/world.ts';
import { metadataOf, services } from '../handlers/support.ts';

const { clock } = World.flowing();

function setUp(handler: Handler<AnyApi, never>, queuedProduceMaxBytes?: number) {
  const session = new ClientSession({
    ...{ id: 'c1', listener: 'PLAINTEXT', remoteHost: '10.0.0.1' },
    securityProtocol: 'PLAINTEXT',
  });
  const usual = services({ clock, metadata: metadataOf([]) });
  const config = { ...usual.config, ...(queuedProduceMaxBytes !== undefined && { queuedProduceMaxBytes }) };
  const given = { ...usual, config };
  const dispatch = createDispatch(new Map([[handler.api.key, handler]]), given, allowEverything);
  return { dispatch: (frame: Buffer, isOwn?: boolean) => dispatch(frame, session, isOwn) };
}

function frameOf<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Buffer {
  const header = { correlationId: 77, clientId: 'me' };
  return Buffer.concat(requestFrame(api, version, header, request)).subarray(4);
}

function bytesOf(outcome: RequestOutcome): Buffer {
  if (typeof outcome === 'string') throw new Error(`no reply but ${outcome}`);
  return bytesOfParts(outcome.parts);
}

const partitionData = Array.from({ length: 300 }, (_, index) => ({ index, records: null }));
const LARGE = frameOf(Produce, 7, { acks: 1, topicData: [{ name: 't', partitionData }] });

it('a Produce to very many partitions is copied, is alone, and may take its turns', async () => {
  const taken: { partitions: number; isAlone: boolean }[] = [];
  const { dispatch } = setUp(
    defineHandler(Produce, [], {
      handle({ topicData }, { isAlone }) {
        taken.push({ partitions: topicData[0]?.partitionData.length ?? 0, isAlone });
        return { responses: [] };
      },
      refuse: () => 'close',
    }),
  );
  const bytes = Buffer.from(LARGE);
  const outcome = dispatch(bytes);
  expect(outcome).toBeInstanceOf(Alone);
  bytes.fill(0);
  expect(bytesOf(await outcome).length).toBeGreaterThan(4);
  await dispatch(frameOf(Produce, 7, { acks: 1, topicData: [] }));
  expect(taken).toEqual([
    { partitions: 300, isAlone: true },
    { partitions: 0, isAlone: false },
  ]);
});

it('a frame whose memory nobody else will use is not copied', async () => {
  const views: Buffer[] = [];
  const { dispatch } = setUp(
    defineHandler(Produce, [], {
      handle({ topicData }) {
        views.push(topicData[0]?.partitionData[0]?.records ?? Buffer.alloc(0));
        return { responses: [] };
      },
      refuse: () => 'close',
    }),
  );
  const records = Buffer.from('records');
  const named = partitionData.map(({ index }) => ({ index, records }));
  const bytes = frameOf(Produce, 7, { acks: 1, topicData: [{ name: 't', partitionData: named }] });
  await dispatch(bytes, true);
  await dispatch(bytes, false);
  bytes.fill(0);
  expect(views.map(String)).toEqual(['\0'.repeat(records.length), 'records']);
});

it('a frame is freed once nothing of its request lies there', async () => {
  const { dispatch } = setUp(
    defineHandler(Metadata, [], { handle: () => ({ topics: [] }), refuse: () => ({ topics: [] }) }),
  );
  const topics = Array.from({ length: ELEMENTS_PER_STEP + 1 }, (_, at) => ({
    name: `topic-${at}`.padEnd(60, '.'),
  }));
  const whole = frameOf(Metadata, 5, { topics });
  const broken = Buffer.from(whole.subarray(0, whole.length - 1));
  expect(bytesOf(await dispatch(whole, true)).length).toBeGreaterThan(4);
  expect(await dispatch(broken, true)).toBe('close');
  expect([whole.length, broken.length]).toEqual([0, 0]);
});

it('one of many bytes is alone, too, so that they are copied in turns', async () => {
  const taken: boolean[] = [];
  const { dispatch } = setUp(
    defineHandler(JoinGroup, [], {
      handle(_request, { isAlone }) {
        taken.push(isAlone);
        return { errorCode: ErrorCode.NONE };
      },
      refuse: () => 'close',
    }),
  );
  for (const sizeBytes of [1000, 2_000_000]) {
    const protocols = [{ name: 'p', metadata: Buffer.alloc(sizeBytes) }];
    await dispatch(frameOf(JoinGroup, 3, { groupId: 'g', protocolType: 'consumer', protocols }));
  }
  expect(taken).toEqual([false, true]);
});

it('one that does not decode closes the connection', async () => {
  const { dispatch } = setUp(defineHandler(Produce, [], { handle: () => null, refuse: () => 'close' }));
  expect(await dispatch(LARGE.subarray(0, LARGE.length - 1))).toBe('close');
});

it('an answer of very many elements is written in steps, between which others have their turn', async () => {
  const topics = Array.from({ length: 2 * ELEMENTS_PER_STEP + 1 }, (_, at) => ({ name: `t${at}` }));
  const { dispatch } = setUp(
    defineHandler(Metadata, [], { handle: () => ({ topics }), refuse: () => ({ topics: [] }) }),
  );
  let turns = 0;
  const turn = (): void => {
    turns++;
    if (turns < 100) clock.soon(turn);
  };
  clock.soon(turn);
  const outcome = await dispatch(frameOf(Metadata, 9, { topics: [] }));
  expect(turns).toBeGreaterThanOrEqual(2);
  const answer = decodeResponse(Metadata, 9, bytesOf(outcome).subarray(9));
  expect(answer.topics.map(({ name }) => name)).toEqual(topics.map(({ name }) => name));
});

it('no more of them are taken than there is memory for: a Produce holds it as long as it has records', async () => {
  const answers: (() => void)[] = [];
  const { dispatch } = setUp(
    defineHandler(Produce, [], {
      handle: () => new Promise((resolve) => answers.push(() => resolve({ responses: [] }))),
      refuse: () => 'close',
    }),
    LARGE.length,
  );
  const first = dispatch(Buffer.from(LARGE));
  const second = dispatch(Buffer.from(LARGE));
  expect([first instanceof Alone, second instanceof NotYet]).toEqual([true, true]);
  while (answers.length === 0) await Promise.race([second, new Promise((resolve) => setImmediate(resolve))]);
  answers[0]?.();
  await first;
  expect(await second).toBe('nothing');
  expect(dispatch(Buffer.from(LARGE))).toBeInstanceOf(Alone);
});

it('one that is copied to nowhere else holds all of the memory that it came in', async () => {
  const answers: (() => void)[] = [];
  const { dispatch } = setUp(
    defineHandler(Produce, [], {
      handle: () => new Promise((resolve) => answers.push(() => resolve({ responses: [] }))),
      refuse: () => 'close',
    }),
    2 * LARGE.length,
  );
  const all = Buffer.alloc(3 * LARGE.length);
  LARGE.copy(all);
  const first = dispatch(all.subarray(0, LARGE.length), true);
  const second = dispatch(Buffer.from(LARGE));
  expect([first instanceof Alone, second instanceof NotYet]).toEqual([true, true]);
  while (answers.length === 0) await Promise.race([second, new Promise((resolve) => setImmediate(resolve))]);
  answers[0]?.();
  await first;
  expect(await second).toBe('nothing');
  const [third, fourth] = [dispatch(Buffer.from(LARGE)), dispatch(Buffer.from(LARGE))];
  expect([third instanceof Alone, fourth instanceof Alone]).toEqual([true, true]);
  expect(dispatch(Buffer.from(LARGE))).toBeInstanceOf(NotYet);
});

it('others hold it until they are read', async () => {
  const answers: (() => void)[] = [];
  const { dispatch } = setUp(
    defineHandler(Metadata, [], {
      handle: () => new Promise((resolve) => answers.push(() => resolve({ brokers: [], topics: [] }))),
      refuse: () => 'close',
    }),
    100,
  );
  const topics = Array.from({ length: ELEMENTS_PER_STEP + 1 }, (_, index) => ({ name: `t${index}` }));
  const large = frameOf(Metadata, 5, { topics });
  const first = dispatch(Buffer.from(large));
  const second = dispatch(Buffer.from(large));
  expect(second).toBeInstanceOf(NotYet);
  expect(await second).toBe('nothing');
  expect(answers).toHaveLength(1);
  answers[0]?.();
  await first;
});

/** How many of the topics of such names are worked at in the fullest turn, of 64 at most. */
async function mostPerTurn(names: readonly string[]): Promise<number> {
  let most = 0;
  const { dispatch } = setUp(
    defineHandler(Metadata, [], {
      async handle({ topics }, { turns, isAlone }) {
        expect(isAlone).toBe(true);
        let [inTurn, isOver] = [0, false];
        const turn = (): void => {
          inTurn = 0;
          if (!isOver) clock.soon(turn);
        };
        clock.soon(turn);
        const found = await turns.each(
          topics ?? [],
          ({ name }) => {
            most = Math.max(most, ++inTurn);
            return { name };
          },
          64,
        );
        isOver = true;
        return { topics: found };
      },
      refuse: () => ({ topics: [] }),
    }),
  );
  const outcome = dispatch(frameOf(Metadata, 9, { topics: names.map((name) => ({ name })) }));
  expect(outcome).toBeInstanceOf(Alone);
  const answer = decodeResponse(Metadata, 9, bytesOf(await outcome).subarray(9));
  expect(answer.topics.map(({ name }) => name)).toEqual(names);
  return most;
}

it('a request of few names that are very long is read in steps', async () => {
  const names = Array.from({ length: 20 }, (_, at) => String(at).padStart(32_000, 'n'));
  expect(await mostPerTurn(names)).toBe(20);
});

it('a few names that are very long do not shorten the turns of all others', async () => {
  const long = Array.from({ length: 5 }, (_, at) => String(at).padStart(32_000, 'n'));
  const usual = Array.from({ length: ELEMENTS_PER_STEP }, (_, at) => String(at).padStart(249, 'n'));
  expect(await mostPerTurn([...long, ...usual])).toBe(64);
});
