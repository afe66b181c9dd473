/** Messages of very many elements, read and written in steps: the same messages, with pauses. */
import { expect, it } from 'vitest';
import { decodeRequestInSteps, encodeRequest } from '../../../broker/protocol/codec.ts';
import { ELEMENTS_PER_STEP, hasArray } from '../../../broker/protocol/field-facts.ts';
import { responseFrame, responseFrameInSteps } from '../../../broker/protocol/frame.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { OffsetFetch } from '../../../broker/protocol/messages/09-offset-fetch.ts';
import { ALL_APIS } from '../../../broker/protocol/messages/all.ts';
import { TooManyElements } from '../../../broker/protocol/reader.ts';
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
      const { result } = taken(decodeRequestInSteps(api, version, body, 1000));
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
  const read = taken(decodeRequestInSteps(OffsetFetch, 8, body, 100_000));
  expect(read.pauses).toBe(4);
  expect(read.result.groups).toHaveLength(ELEMENTS_PER_STEP);
  const topics = Array.from({ length: 10 * ELEMENTS_PER_STEP }, (_, topic) => ({ name: `t${topic}` }));
  expect(taken(responseFrameInSteps(Metadata, { version: 12, correlationId: 7 }, { topics })).pauses).toBe(
    10,
  );
});

it('too many elements are too many in steps, too, and those of an answer are counted as well', () => {
  const topics = Array.from({ length: 101 }, (_, topic) => ({ name: `t${topic}` }));
  const body = Buffer.concat(encodeRequest(Metadata, 12, { topics }));
  expect(() => taken(decodeRequestInSteps(Metadata, 12, body, 100))).toThrow(TooManyElements);
  expect(() => responseFrame(Metadata, { version: 12, correlationId: 7 }, { topics }, 100)).toThrow(
    TooManyElements,
  );
  expect(() => responseFrame(Metadata, { version: 12, correlationId: 7 }, { topics }, 101)).not.toThrow();
});
