/** Messages of very many elements, read and written in steps: the same messages, with pauses. */
import { expect, it } from 'vitest';
import { decodeRequest, decodeRequestInSteps, encodeRequest } from '../../../broker/protocol/codec.ts';
import { AT_ONCE, ELEMENTS_PER_STEP, hasArray } from '../../../broker/protocol/field-facts.ts';
import { responseFrame, responseFrameInSteps } from '../../../broker/protocol/frame.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { OffsetFetch } from '../../../broker/protocol/messages/09-offset-fetch.ts';
import { ALL_APIS } from '../../../broker/protocol/messages/all.ts';
import {
  NO_LIMITS,
  Reader,
  TEXT_BYTES_PER_ELEMENT,
  TooManyElements,
  TooMuchText,
} from '../../../broker/protocol/reader.ts';
import type { AnyApi } from '../../../broker/protocol/schema.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { randomMessage } from './random-message.ts';

/** What they come to, and how many pauses they made. */
function taken<T>(steps: Generator<undefined, T>): { result: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const step = steps.next();
    if (step.done === true) return { result: step.value, pauses };
  }
}

function forEach(
  run: (api: AnyApi, version: number) => void,
  fields: (api: AnyApi) => AnyApi['request'],
): void {
  for (const api of ALL_APIS) {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      const flexible = version >= api.requestFlexibleFrom;
      if (hasArray(fields(api), { version, flexible })) run(api, version);
    }
  }
}

it('requests of every API are what was encoded', () => {
  forEach(
    (api, version) => {
      const random = simulatedRandom(api.key * 100 + version);
      const message = randomMessage(api.request, version, random) as Record<string, never>;
      const body = Buffer.concat(encodeRequest(api, version, message));
      const { result } = taken(decodeRequestInSteps(api, version, new Reader(body)));
      expect(result, `${api.name} ${version}`).toEqual(message);
    },
    (api) => api.request,
  );
});

it('responses of every API are as those that are written at once', () => {
  forEach(
    (api, version) => {
      const random = simulatedRandom(api.key * 100 + version);
      const message = randomMessage(api.response, version, random) as Record<string, never>;
      const { result } = taken(responseFrameInSteps(api, { version, correlationId: 7 }, message));
      const atOnce = bytesOfParts(responseFrame(api, { version, correlationId: 7 }, message));
      expect(bytesOfParts(result).equals(atOnce), `${api.name} ${version}`).toBe(true);
    },
    (api) => api.response,
  );
});

it('pauses come by the elements of the whole message, however short its arrays are', () => {
  const groups = Array.from({ length: ELEMENTS_PER_STEP }, (_, group) => ({
    groupId: `g${group}`,
    topics: [{ name: 't', partitionIndexes: [1, 2] }],
  }));
  const body = Buffer.concat(encodeRequest(OffsetFetch, 8, { groups }));
  const read = taken(decodeRequestInSteps(OffsetFetch, 8, new Reader(body)));
  expect(read.pauses).toBe(4);
  expect(read.result.groups).toHaveLength(ELEMENTS_PER_STEP);
  const topics = Array.from({ length: 10 * ELEMENTS_PER_STEP }, (_, topic) => ({ name: `t${topic}` }));
  expect(taken(responseFrameInSteps(Metadata, { version: 12, correlationId: 7 }, { topics })).pauses).toBe(
    10,
  );
});

const most = (maxElements: number) => ({ ...NO_LIMITS, maxElements });

it('too many elements are too many in steps, too, and those of an answer are counted as well', () => {
  const topics = Array.from({ length: 101 }, (_, topic) => ({ name: `t${topic}` }));
  const body = Buffer.concat(encodeRequest(Metadata, 12, { topics }));
  expect(() => taken(decodeRequestInSteps(Metadata, 12, new Reader(body, most(100))))).toThrow(
    TooManyElements,
  );
  expect(() => responseFrame(Metadata, { version: 12, correlationId: 7 }, { topics }, most(100))).toThrow(
    TooManyElements,
  );
  expect(() =>
    responseFrame(Metadata, { version: 12, correlationId: 7 }, { topics }, most(101)),
  ).not.toThrow();
});

it('long texts count as the elements that take as long', () => {
  const textBytes = 10 * TEXT_BYTES_PER_ELEMENT;
  const topics = Array.from({ length: ELEMENTS_PER_STEP }, (_, topic) => ({
    name: String(topic).padStart(textBytes, 'n'),
  }));
  const body = Buffer.concat(encodeRequest(Metadata, 12, { topics }));
  const read = taken(decodeRequestInSteps(Metadata, 12, new Reader(body)));
  expect(read.pauses).toBeGreaterThanOrEqual(10);
  expect(read.result.topics).toHaveLength(ELEMENTS_PER_STEP);
  const answered = { version: 12, correlationId: 7 };
  expect(taken(responseFrameInSteps(Metadata, answered, { topics })).pauses).toBeGreaterThanOrEqual(10);
});

it('more of them than a step has is not read or written at once', () => {
  const named = (count: number) => ({
    topics: Array.from({ length: count }, () => ({ name: 'n'.repeat(32_000) })),
  });
  const fits = Math.floor(AT_ONCE.maxTextBytes / 32_000);
  const answered = { version: 12, correlationId: 7 };
  const read = (count: number) =>
    decodeRequest(Metadata, 12, Buffer.concat(encodeRequest(Metadata, 12, named(count))), AT_ONCE);
  expect(read(fits).topics).toHaveLength(fits);
  expect(() => read(fits + 1)).toThrow(TooMuchText);
  expect(() => responseFrame(Metadata, answered, named(fits), AT_ONCE)).not.toThrow();
  expect(() => responseFrame(Metadata, answered, named(fits + 1), AT_ONCE)).toThrow(TooMuchText);
});
