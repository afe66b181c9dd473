/** One connection whose other end is the test, and the frames that come in on it. */
import { BufferPool } from '../../../broker/network/buffer-pool.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { Connection, type ConnectionLimits } from '../../../broker/network/connection.ts';
import { KeptMemory } from '../../../broker/network/kept-memory.ts';
import type { Dispatch } from '../../../broker/network/outcome.ts';
import { RequestMemory } from '../../../broker/network/request-memory.ts';
import { type Clock, systemClock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { MemorySocket } from './memory-socket.ts';

export const PRODUCE = 0;
export const FETCH = 1;

export function frame(apiKey: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(text)]);
  payload.writeInt16BE(apiKey);
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}

export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

export function connect(
  dispatch: Dispatch,
  limits: Partial<ConnectionLimits> = {},
  {
    memory = new RequestMemory(-1),
    kept = new KeptMemory(Number.POSITIVE_INFINITY),
    clock = systemClock,
  }: { memory?: RequestMemory; kept?: KeptMemory; clock?: Clock } = {},
): { socket: MemorySocket; connection: Connection; closed: () => boolean; pool: BufferPool } {
  const socket = new MemorySocket();
  let closed = false;
  const pool = new BufferPool(1 << 20);
  const connection = new Connection({
    socket,
    session: new ClientSession({ id: 'c1', listener: 'PLAINTEXT', remoteHost: socket.remoteHost }, kept),
    dispatch,
    limits: { maxFrameBytes: 1000, maxInFlightRequests: 3, maxUnsentBytes: 20, ...limits },
    pool,
    memory,
    clock,
    diagnostics: silent,
    bytesIn: { add() {}, value: 0 },
    bytesOut: { add() {}, value: 0 },
    onClosed: () => {
      closed = true;
    },
  });
  return { socket, connection, closed: () => closed, pool };
}
