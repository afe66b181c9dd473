/** What a request is charged that is carried out over several turns of the event loop. */
import { expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { defineHandler, type Handler } from '../../../broker/handlers/handler.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import type { Turns } from '../../../broker/platform/turns.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { metadataOf, world } from '../handlers/support.ts';

const CONFIG = brokerConfig(
  new Map([
    ['zookeeper.connect', 'localhost:2181'],
    ['socket.request.max.elements', '1000'],
  ]),
);

type Walk = (turns: Turns) => Promise<object>;

/** How long the sender is throttled for ten items, at once or in turns, before each of which others work for a second. */
async function throttledFor(
  inTurns: boolean,
  handling: (walk: Walk) => Pick<Handler<typeof Metadata, never>, 'handle' | 'refuse'>,
): Promise<number> {
  let nowMs = world.clock.nowMs();
  const soon = (run: () => void): void => {
    world.clock.soon(() => {
      nowMs += 1000; // others' work
      run();
    });
  };
  const clock = { ...systemClock, nowMs: () => nowMs, soon };
  const ofTime = new ClientQuotas(CONFIG);
  ofTime.configured({ type: 'clients', name: 'me' }, new Map([['request_percentage', '9.5']]));
  const walk: Walk = async (turns) => {
    const items = Array.from({ length: 10 });
    const work = (): void => {
      nowMs += 100;
    };
    if (inTurns) await turns.each(items, work, 3);
    else items.forEach(work);
    return {};
  };
  const services = { clock, config: CONFIG, diagnostics: silent, metrics: createMetrics() };
  const dispatch = createDispatch(
    new Map([[Metadata.key, defineHandler(Metadata, [], handling(walk))]]),
    { ...services, metadata: metadataOf([]), quotas: ofTime },
    allowEverything,
  );
  const session = new ClientSession({
    ...{ id: 'c3', listener: 'PLAINTEXT', remoteHost: '10.0.0.1' },
    securityProtocol: 'PLAINTEXT',
  });
  const frame = Buffer.concat(
    requestFrame(Metadata, 9, { correlationId: 7, clientId: 'me' }, { topics: [] }),
  );
  const outcome = await dispatch(frame.subarray(4), session);
  if (typeof outcome === 'string') throw new Error(`no reply but ${outcome}`);
  return decodeResponse(Metadata, 9, bytesOfParts(outcome.parts).subarray(9)).throttleTimeMs;
}

it.each<[string, (walk: Walk) => Pick<Handler<typeof Metadata, never>, 'handle' | 'refuse'>]>([
  ['a request', (walk) => ({ handle: (_request, { turns }) => walk(turns), refuse: () => ({}) })],
  [
    'the refusal of a request that fails at once',
    (walk) => ({
      handle: () => {
        throw new Error('boom');
      },
      refuse: (_request, _errorCode, { turns }) => walk(turns),
    }),
  ],
  [
    'the refusal of a request that fails later',
    (walk) => ({
      handle: () => Promise.reject(new Error('boom')),
      refuse: (_request, _errorCode, { turns }) => walk(turns),
    }),
  ],
])(
  'who is held to a share of the time is charged for all turns of %s, and not for what others do in between',
  async (_what, handling) => {
    const atOnce = await throttledFor(false, handling);
    expect(atOnce).toBeGreaterThan(0);
    expect(await throttledFor(true, handling)).toBe(atOnce);
  },
);
