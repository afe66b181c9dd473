/** From frame to answer: versions, unknown APIs, hostile bytes, handlers that throw. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { apiVersionsHandler } from '../../../broker/handlers/18-api-versions.ts';
import { defineHandler, type Handler } from '../../../broker/handlers/handler.ts';
import { StorageError } from '../../../broker/log/files/storage-error.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import type { RequestOutcome } from '../../../broker/network/outcome.ts';
import { type Diagnostics, silent } from '../../../broker/platform/diagnostics.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import type { AnyApi, RequestInput } from '../../../broker/protocol/schema.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { type Authorizer, allowEverything } from '../../../broker/security/authorizer.ts';
import { Operation, topicNamed } from '../../../broker/security/operations.ts';
import { ANONYMOUS } from '../../../broker/security/principal.ts';
import { CoordinatorError } from '../../../coordinator-client/coordinator.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { metadataOf, world } from '../handlers/support.ts';

const CONFIG = brokerConfig(
  new Map([
    ['zookeeper.connect', 'localhost:2181'],
    ['socket.request.max.elements', '1000'],
  ]),
);
const SESSION = new ClientSession({
  id: 'c1',
  listener: 'PLAINTEXT',
  remoteHost: '10.0.0.1',
  securityProtocol: 'PLAINTEXT',
});

function frameOf<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Buffer {
  return Buffer.concat(requestFrame(api, version, { correlationId: 77, clientId: 'me' }, request)).subarray(
    4,
  );
}

function bytesOf(outcome: RequestOutcome): Buffer {
  if (typeof outcome === 'string') throw new Error(`no reply but ${outcome}`);
  return bytesOfParts(outcome.parts);
}

function dispatcher(
  handlers: readonly Handler<AnyApi, never>[],
  errors: string[] = [],
  warnings: string[] = [],
  authorizer: Authorizer = allowEverything,
) {
  const diagnostics: Diagnostics = {
    ...silent,
    warn: (message) => warnings.push(message),
    error: (message) => errors.push(message),
  };
  const metrics = createMetrics();
  const features = { current: { epoch: 0, levels: new Map() } };
  const metadata = metadataOf([]);
  const services = { clock: world.clock, config: CONFIG, diagnostics, metrics, features, metadata };
  const all = [...handlers, apiVersionsHandler(handlers.map(({ api }) => api))];
  const table = new Map(all.map((handler) => [handler.api.key, handler]));
  const dispatch = createDispatch(table, services, authorizer);
  return { dispatch: (frame: Buffer) => dispatch(frame, SESSION), metrics };
}

function metadataHandler(handle: Handler<typeof Metadata, never>['handle']) {
  return defineHandler(Metadata, [], {
    handle,
    refuse: (_request, errorCode) => ({ topics: [{ errorCode, name: 'refused' }] }),
  });
}

const PRODUCE = defineHandler(Produce, [], { handle: () => null, refuse: () => 'close' });

describe('ApiVersions', () => {
  it('announces exactly what is served', async () => {
    const { dispatch } = dispatcher([PRODUCE]);
    const outcome = await dispatch(
      frameOf(ApiVersions, 3, { clientSoftwareName: 'librdkafka', clientSoftwareVersion: '2.15.0' }),
    );
    // Size and correlation id only: the header of this response never has tagged fields.
    const body = bytesOf(outcome).subarray(8);
    expect(decodeResponse(ApiVersions, 3, body)).toMatchObject({
      errorCode: ErrorCode.NONE,
      apiKeys: [
        { apiKey: 0, minVersion: 0, maxVersion: 11 },
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
      ],
    });
  });

  it('answers a version it does not know in version 0, so that the client can step down', async () => {
    const { dispatch } = dispatcher([]);
    const frame = frameOf(ApiVersions, 4, { clientSoftwareName: 'x', clientSoftwareVersion: '1' });
    frame.writeInt16BE(9, 2);
    const bytes = bytesOf(await dispatch(frame));
    expect(bytes.readInt32BE(4)).toBe(77);
    expect(decodeResponse(ApiVersions, 0, bytes.subarray(8))).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    });
  });

  it.each(['', '-x', 'a b', 'x.'])('refuses the client software name %o', async (clientSoftwareName) => {
    const { dispatch } = dispatcher([]);
    const outcome = await dispatch(
      frameOf(ApiVersions, 3, { clientSoftwareName, clientSoftwareVersion: '1' }),
    );
    const answer = decodeResponse(ApiVersions, 3, bytesOf(outcome).subarray(8));
    expect(answer.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});

describe('what closes the connection', () => {
  const { dispatch } = dispatcher([metadataHandler(() => ({}))]);
  const good = frameOf(Metadata, 9, { topics: [{ name: 'a' }] });

  it('an API that is not served', async () => {
    const frame = Buffer.from(good);
    frame.writeInt16BE(5, 0);
    expect(await dispatch(frame)).toBe('close');
    frame.writeInt16BE(-1, 0);
    expect(await dispatch(frame)).toBe('close');
  });

  it.each([-1, 13, 0x7fff])('version %i of an API other than ApiVersions', async (version) => {
    const frame = Buffer.from(good);
    frame.writeInt16BE(version, 2);
    expect(await dispatch(frame)).toBe('close');
  });

  it('a request cut off anywhere, but not one with bytes after its end', async () => {
    expect(await dispatch(good)).not.toBe('close');
    for (let length = 0; length < good.length; length += 1) {
      expect(await dispatch(good.subarray(0, length)), `cut at ${length}`).toBe('close');
    }
    expect(await dispatch(Buffer.concat([good, Buffer.from([1, 0, 0])]))).not.toBe('close');
  });

  it('with a line that names the connection, the client, the API and its version', async () => {
    const warnings: string[] = [];
    const { dispatch } = dispatcher([metadataHandler(() => ({}))], [], warnings);
    await dispatch(good.subarray(0, good.length - 2));
    expect(warnings).toEqual([
      expect.stringMatching(/^closing c1 \(client me, Metadata v9\): needs \d+ bytes, \d+ left$/),
    ]);
    await dispatch(good.subarray(0, 5));
    expect(warnings[1]).toMatch(/^closing c1: needs/);
  });

  it('and some of these lines only, where there are many', async () => {
    const warnings: string[] = [];
    const { dispatch } = dispatcher([metadataHandler(() => ({}))], [], warnings);
    for (let round = 0; round < 50; round += 1) expect(await dispatch(good.subarray(0, 5))).toBe('close');
    expect(warnings).toHaveLength(10);
  });

  it('no bytes make the dispatcher throw', async () => {
    let state = 12345;
    const next = (): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 16;
    };
    for (let round = 0; round < 2000; round += 1) {
      const frame = Buffer.from(good);
      for (let hits = next() % 4; hits >= 0; hits -= 1)
        frame[2 + (next() % (frame.length - 2))] = next() & 0xff;
      await dispatch(frame);
    }
  });
});

describe('requests', () => {
  it('with more array elements than socket.request.max.elements close the connection', async () => {
    const asked: number[] = [];
    const { dispatch } = dispatcher([
      metadataHandler((request) => {
        asked.push(request.topics?.length ?? -1);
        return {};
      }),
    ]);
    const topics = Array.from({ length: 1001 }, () => ({ name: '' }));
    expect(await dispatch(frameOf(Metadata, 1, { topics }))).toBe('close');
    expect(await dispatch(frameOf(Metadata, 1, { topics: topics.slice(1) }))).not.toBe('close');
    expect(asked).toEqual([1000]);
  });
});

describe('handlers', () => {
  it('see the version, the client and where it comes from', async () => {
    let seen: unknown;
    const { dispatch } = dispatcher([
      metadataHandler((request, context) => {
        const { apiVersion, clientId, clientHost, listener, principal, connectionId } = context;
        seen = { request, apiVersion, clientId, clientHost, listener, principal, connectionId };
        return {};
      }),
    ]);
    await dispatch(frameOf(Metadata, 1, { topics: null }));
    expect(seen).toMatchObject({
      request: { topics: null, allowAutoTopicCreation: true },
      apiVersion: 1,
      clientId: 'me',
      clientHost: '10.0.0.1',
      listener: 'PLAINTEXT',
      principal: { type: 'User', name: 'ANONYMOUS' },
      connectionId: 'c1',
    });
  });

  it('ask what the sender may do in the name of its principal and from its address', async () => {
    const asked: unknown[] = [];
    const authorizer: Authorizer = {
      rightsOf: (...asker) => ({
        may: (...question) => {
          asked.push([...asker, ...question]);
          return false;
        },
        mayForSome: () => false,
      }),
    };
    let allowed: unknown = null;
    const handler = metadataHandler((_request, context) => {
      allowed = context.may(Operation.READ, topicNamed('t'));
      return {};
    });
    const { dispatch } = dispatcher([handler], [], [], authorizer);
    await dispatch(frameOf(Metadata, 1, { topics: null }));
    expect(allowed).toBe(false);
    expect(asked).toEqual([[ANONYMOUS, '10.0.0.1', Operation.READ, { type: 'topic', name: 't' }]]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
    ['answers what does not encode', () => ({ topics: [{ topicAuthorizedOperations: 1 }] })],
  ])('one that %s is reported, and the client gets its refusal', async (_name, handle) => {
    const errors: string[] = [];
    const { dispatch } = dispatcher([metadataHandler(handle)], errors);
    const outcome = await dispatch(frameOf(Metadata, 1, { topics: null }));
    const answer = decodeResponse(Metadata, 1, bytesOf(outcome).subarray(8));
    expect(answer.topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, name: 'refused' }]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('Metadata v1');
  });

  it('a coordinator or a disk that fails has its error code, and is no defect', async () => {
    for (const [error, errorCode] of [
      [new CoordinatorError('unavailable', 'down'), ErrorCode.REQUEST_TIMED_OUT],
      [new StorageError('/d', 'disk full'), ErrorCode.KAFKA_STORAGE_ERROR],
    ] as const) {
      const errors: string[] = [];
      const { dispatch } = dispatcher([metadataHandler(() => Promise.reject(error))], errors);
      const outcome = await dispatch(frameOf(Metadata, 1, { topics: null }));
      const answer = decodeResponse(Metadata, 1, bytesOf(outcome).subarray(8));
      expect(answer.topics).toMatchObject([{ errorCode }]);
      expect(errors).toEqual([]);
    }
  });

  it('get their buffers back once, whichever way the request ends', async () => {
    let released = 0;
    const { dispatch } = dispatcher([
      metadataHandler((request, context) => {
        context.afterSend(() => {
          released += 1;
        });
        if (request.topics?.length === 1) throw new Error('boom');
        return {};
      }),
    ]);
    for (const topics of [[], [{ name: 'a' }]]) {
      const outcome = await dispatch(frameOf(Metadata, 4, { topics }));
      expect(released).toBe(0);
      if (typeof outcome !== 'string') outcome.sent();
      expect(released).toBe(1);
      released = 0;
    }
  });

  it('hear when their response is at its connection', async () => {
    const heard: string[] = [];
    const { dispatch } = dispatcher([
      metadataHandler((_, context) => {
        context.whenCounted(() => heard.push('counted'));
        context.afterSend(() => heard.push('sent'));
        return {};
      }),
    ]);
    const outcome = await dispatch(frameOf(Metadata, 4, { topics: [] }));
    if (typeof outcome === 'string') throw new Error(outcome);
    outcome.counted?.();
    expect(heard).toEqual(['counted']);
    outcome.sent();
    expect(heard).toEqual(['counted', 'sent']);
  });

  it('without a response leave nothing to write', async () => {
    const { dispatch } = dispatcher([PRODUCE]);
    expect(await dispatch(frameOf(Produce, 7, { acks: 0, timeoutMs: 1 }))).toBe('nothing');
  });

  it('are counted by API and version, with their times', async () => {
    const { dispatch, metrics } = dispatcher([metadataHandler(() => ({}))]);
    for (const version of [1, 9, 9]) await dispatch(frameOf(Metadata, version, { topics: [] }));
    const text = await metrics.render();
    expect(text).toMatch(/kafka_network_requestmetrics_requests_total\{request="Metadata",version="9"\} 2/);
    expect(text).toMatch(/kafka_network_requestmetrics_totaltimems_count\{request="Metadata"\} 3/);
  });
});

describe('a client over its quota', () => {
  const quotas = new ClientQuotas(CONFIG);
  quotas.configured({ type: 'clients', name: 'me' }, new Map([['producer_byte_rate', '10']]));
  const produced = { acks: 1, timeoutMs: 1, topicData: [{ name: 'x'.repeat(1000), partitionData: [] }] };

  function ask(acks: number, isNamed = true, fails = false) {
    const handler = defineHandler(Produce, [], {
      handle: (_request, { charges }) => {
        charges?.produced();
        if (fails) throw new StorageError('/d', 'disk full');
        return acks === 0 ? null : {};
      },
      refuse: () => ({}),
    });
    const session = new ClientSession({
      id: 'c2',
      listener: 'PLAINTEXT',
      remoteHost: '10.0.0.1',
      securityProtocol: 'PLAINTEXT',
    });
    const services = { clock: world.clock, config: CONFIG, diagnostics: silent, metrics: createMetrics() };
    const dispatch = createDispatch(
      new Map([[Produce.key, handler]]),
      { ...services, metadata: metadataOf([]), quotas },
      allowEverything,
    );
    const clientId = isNamed ? 'me' : 'other';
    const frame = Buffer.concat(
      requestFrame(Produce, 9, { correlationId: 7, clientId }, { ...produced, acks }),
    );
    return { outcome: dispatch(frame.subarray(4), session) as RequestOutcome, session };
  }

  it('is told for how long it is throttled, and is muted for as long', () => {
    const { outcome, session } = ask(1);
    const { throttleTimeMs } = decodeResponse(Produce, 9, bytesOf(outcome).subarray(9));
    expect(throttleTimeMs).toBeGreaterThan(0);
    const leftMs = session.mutedUntilMs - world.clock.nowMs();
    expect(Math.ceil(leftMs / 1000)).toBe(Math.ceil(throttleTimeMs / 1000));
  });

  it('is muted although it gets no answer', () => {
    const { outcome, session } = ask(0);
    expect(outcome).toBe('nothing');
    expect(session.mutedUntilMs).toBeGreaterThan(world.clock.nowMs());
  });

  it('is told and muted also where its request fails', () => {
    const { outcome, session } = ask(1, true, true);
    expect(decodeResponse(Produce, 9, bytesOf(outcome).subarray(9)).throttleTimeMs).toBeGreaterThan(0);
    expect(session.mutedUntilMs).toBeGreaterThan(world.clock.nowMs());
  });

  it('keeps nobody else waiting', () => {
    const { outcome, session } = ask(1, false);
    expect(decodeResponse(Produce, 9, bytesOf(outcome).subarray(9)).throttleTimeMs).toBe(0);
    expect(session.mutedUntilMs).toBe(0);
  });
});
