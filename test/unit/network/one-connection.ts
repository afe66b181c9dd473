/** One connection whose other end, dispatcher and limits are the test's. */

import { ClientSession } from '../../../broker/network/client-session.ts';
import { Connection } from '../../../broker/network/connection.ts';
import type { ConnectionLimits } from '../../../broker/network/connection-limits.ts';
import { KeptMemory } from '../../../broker/network/kept-memory.ts';
import type { Dispatch, RequestOutcome } from '../../../broker/network/outcome.ts';
import { RequestMemory } from '../../../broker/network/request-memory.ts';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';
import { type Clock, systemClock } from '../../../broker/platform/clock.ts';
import { SharedTurn } from '../../../broker/platform/loop-turns.ts';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';
import { ANONYMOUS } from '../../../broker/security/principal.ts';
import { MemorySocket } from './memory-socket.ts';

/** So that nothing depends on how fast this machine is. */
const NO_TIME_PASSES: Clock = { ...systemClock, nowMs: () => 0 };
const ORIGIN = { id: 'c1', listener: 'PLAINTEXT', securityProtocol: 'PLAINTEXT' } as const;
export const PRODUCE = 0;
export const FETCH = 1;

export function frame(apiKey: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(text)]);
  payload.writeInt16BE(apiKey);
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}

/** The replies whose `sent` was called, since the test has emptied it. */
export const released: string[] = [];

export function reply(text: string): RequestOutcome {
  return { parts: [Buffer.from(text)], sizeBytes: text.length, sent: () => released.push(text) };
}

export const echo: Dispatch = (bytes) => reply(`<${bytes.toString('latin1', 2)}>`);

/** A dispatcher whose answers come when the test says. */
export function manual(): {
  dispatch: Dispatch;
  started: string[];
  answer: (text: string, outcome?: RequestOutcome) => Promise<void>;
} {
  const started: string[] = [];
  const waiting = new Map<string, (outcome: RequestOutcome) => void>();
  return {
    started,
    dispatch: (bytes) => {
      const text = bytes.toString('latin1', 2);
      started.push(text);
      return new Promise((resolve) => waiting.set(text, resolve));
    },
    async answer(text, outcome = reply(`<${text}>`)) {
      waiting.get(text)?.(outcome);
      await settled();
    },
  };
}

export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

export function connect(
  dispatch: Dispatch,
  limits: Partial<ConnectionLimits> = {},
  {
    memory = new RequestMemory(Number.POSITIVE_INFINITY),
    kept = new KeptMemory(Number.POSITIVE_INFINITY),
    clock = NO_TIME_PASSES,
    answerMemory = new AnswerMemory(1 << 27),
    flushes = new SharedTurn(clock),
  } = {} as {
    memory?: RequestMemory;
    kept?: KeptMemory;
    clock?: Clock;
    answerMemory?: AnswerMemory;
    flushes?: SharedTurn;
  },
): { socket: MemorySocket; connection: Connection; closed: () => boolean; pool: BufferPool } {
  const socket = new MemorySocket();
  let closed = false;
  const pool = new BufferPool(1 << 20);
  const connection = new Connection({
    socket,
    session: new ClientSession({ ...ORIGIN, remoteHost: socket.remoteHost }, ANONYMOUS, kept),
    dispatch,
    limits: {
      frames: { maxBytes: 1000, config: 'socket.request.max.bytes' },
      loginFrames: { maxBytes: 50, config: 'sasl.server.max.receive.size' },
      maxInFlightRequests: 3,
      maxUnsentBytes: 20,
      ...limits,
    },
    pool,
    memory,
    answerMemory,
    clock,
    flushes,
    complaints: { say: () => true },
    bytesIn: { add() {}, value: 0 },
    bytesOut: { add() {}, value: 0 },
    onClosed: () => {
      closed = true;
    },
  });
  return { socket, connection, closed: () => closed, pool };
}
