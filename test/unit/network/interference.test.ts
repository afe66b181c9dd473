/** What dispatch does with a request that is struck. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { apiVersionsHandler } from '../../../broker/handlers/18-api-versions.ts';
import { defineHandler } from '../../../broker/handlers/handler.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import type { Interference, MetRequest, Strike } from '../../../broker/network/interference.ts';
import type { RequestOutcome } from '../../../broker/network/outcome.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import type { AnyApi, RequestInput } from '../../../broker/protocol/schema.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { World } from '../../support/world.ts';
import { metadataOf } from '../handlers/support.ts';

const CONFIG = brokerConfig(new Map([['zookeeper.connect', 'localhost:2181']]));
const SESSION = new ClientSession({
  id: 'c1',
  listener: 'PLAINTEXT',
  remoteHost: '10.0.0.1',
  securityProtocol: 'PLAINTEXT',
});
const EVERYTHING = { topics: null, allowAutoTopicCreation: false };

/** A dispatcher whose Metadata requests are all struck, and what it has seen. */
function struck(
  strike: Strike | null,
  versions: Interference['versionsOf'] | null = null,
  refusal: (() => never | Promise<never>) | null = null,
) {
  const clock = new World().clock;
  const seen = { met: [] as MetRequest[], handled: 0, released: 0 };
  const handler = defineHandler(Metadata, [], {
    handle(_request, context) {
      seen.handled++;
      context.afterSend(() => seen.released++);
      return { controllerId: 7, topics: [] };
    },
    refuse: (_request, errorCode) => refusal?.() ?? { topics: [{ errorCode, name: 't' }] },
  });
  const interference: Interference = {
    meet(request) {
      seen.met.push(request);
      return request.api === Metadata ? strike : null;
    },
    versionsOf: versions ?? ((api) => ({ min: api.minVersion, max: api.maxVersion })),
  };
  const features = { current: { epoch: 0, levels: new Map() } };
  const services = { clock, config: CONFIG, diagnostics: silent, metrics: createMetrics(), features };
  const table = new Map<number, never>(
    [handler, apiVersionsHandler([Metadata])].map((each) => [each.api.key, each as never]),
  );
  const dispatch = createDispatch(table, { ...services, metadata: metadataOf([]) }, allowEverything, {
    current: interference,
  });
  const ask = <A extends AnyApi>(api: A, request: RequestInput<A>, version = 4) => {
    const parts = requestFrame(api, version, { correlationId: 5, clientId: 'me' }, request);
    return Promise.resolve(dispatch(Buffer.concat(parts).subarray(4), SESSION));
  };
  return { ask, seen, clock };
}

function answerOf(outcome: RequestOutcome, api: AnyApi = Metadata, version = 4): unknown {
  if (typeof outcome === 'string') return outcome;
  return decodeResponse(api, version, bytesOfParts(outcome.parts).subarray(8));
}

describe('a request that is struck', () => {
  it('is answered the error, and not carried out', async () => {
    const { ask, seen } = struck({
      carriedOut: false,
      outcome: { error: ErrorCode.LEADER_NOT_AVAILABLE },
      delayMs: 0,
    });
    expect(answerOf(await ask(Metadata, EVERYTHING))).toMatchObject({ topics: [{ errorCode: 5 }] });
    expect(seen).toMatchObject({ handled: 0, met: [{ api: Metadata, origin: { id: 'c1' } }] });
  });

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
  ])('closes the connection where its refusal %s', async (_how, refusal) => {
    const outcome = { error: ErrorCode.LEADER_NOT_AVAILABLE };
    const { ask } = struck({ carriedOut: false, outcome, delayMs: 0 }, null, refusal);
    expect(await ask(Metadata, EVERYTHING)).toBe('close');
  });

  it('is carried out and loses its answer, whose buffers are given back', async () => {
    for (const outcome of ['close', { error: ErrorCode.REQUEST_TIMED_OUT }] as const) {
      const { ask, seen } = struck({ carriedOut: true, outcome, delayMs: 0 });
      const answer = await ask(Metadata, EVERYTHING);
      if (outcome === 'close') expect(answer).toBe('close');
      else expect(answerOf(answer)).toMatchObject({ topics: [{ errorCode: 7 }] });
      expect(seen).toMatchObject({ handled: 1, released: 1 });
    }
  });

  it('has its own answer, later', async () => {
    const { ask, seen, clock } = struck({ carriedOut: true, outcome: 'answer', delayMs: 100 });
    let answer: RequestOutcome | null = null;
    void ask(Metadata, EVERYTHING).then((outcome) => {
      answer = outcome;
    });
    await clock.runFor(99);
    expect([seen.handled, answer]).toEqual([1, null]);
    await clock.runFor(1);
    expect(answer === null ? null : answerOf(answer)).toMatchObject({ controllerId: 7 });
    expect(seen.released).toBe(0);
  });

  it('never has an answer', async () => {
    const { ask, clock } = struck({ carriedOut: false, outcome: 'no answer', delayMs: 0 });
    let answered = false;
    void ask(Metadata, EVERYTHING).then(() => {
      answered = true;
    });
    await clock.runFor(1_000_000);
    expect(answered).toBe(false);
  });

  it('that nobody strikes is handled as always', async () => {
    const { ask, seen } = struck(null);
    expect(answerOf(await ask(Metadata, EVERYTHING))).toMatchObject({ controllerId: 7 });
    expect(seen.met).toHaveLength(1);
  });
});

describe('versions that a broker does not own up to', () => {
  it('are not announced, and close the connection; of ApiVersions they are answered', async () => {
    const { ask } = struck(null, (api) =>
      api.key === ApiVersions.key ? { min: 0, max: 2 } : { min: 1, max: 4 },
    );
    expect(answerOf(await ask(ApiVersions, {}, 0), ApiVersions, 0)).toMatchObject({
      apiKeys: [
        { apiKey: Metadata.key, minVersion: 1, maxVersion: 4 },
        { apiKey: ApiVersions.key, minVersion: 0, maxVersion: 2 },
      ],
    });
    const newer = { clientSoftwareName: 'me', clientSoftwareVersion: '1' };
    expect(answerOf(await ask(ApiVersions, newer, 3), ApiVersions, 0)).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: ApiVersions.key, minVersion: 0, maxVersion: 2 }],
    });
    expect(await ask(Metadata, EVERYTHING, 5)).toBe('close');
    const denied = struck(null, () => null);
    expect(await denied.ask(Metadata, EVERYTHING)).toBe('close');
  });
});
