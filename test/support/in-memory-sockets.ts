/**
 * Byte sockets without a network. They are as unkind as TCP may be: what was written in one piece
 * arrives in several, and a chunk is overwritten as soon as its receiver returns.
 */
import type { Clock } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import type { ByteSocket } from '../../broker/platform/sockets.ts';
import { INSTANT, WireEnd } from './simulated-wire.ts';

const STALE_BYTE = 0xdd;

/** Two ends of one connection. With a Random, chunks are cut at random places. */
export function inMemorySocketPair(clock: Clock, random: Random | null = null): [ByteSocket, ByteSocket] {
  const [one, other] = WireEnd.pair(
    clock,
    { host: 'one', port: 1, line: INSTANT },
    { host: 'other', port: 2, line: INSTANT },
  );
  return [inMemorySocket(one, random), inMemorySocket(other, random)];
}

export function inMemorySocket(end: WireEnd, random: Random | null): ByteSocket {
  return {
    remoteHost: end.peer.host,
    remotePort: end.peer.port,
    localPort: end.port,
    peerCertificate: null,
    get bufferedBytes() {
      return end.bufferedBytes;
    },
    get open() {
      return end.open;
    },
    write: (parts, flushed) => end.send(Buffer.concat(parts), flushed),
    pause: () => end.pause(),
    resume: () => end.resume(),
    end: () => end.finish(),
    destroy: () => end.abort(null, 'ECONNRESET'),
    on(events) {
      end.listen({
        receive(data) {
          for (const chunk of pieces(data, random)) {
            events.data(chunk);
            chunk.fill(STALE_BYTE);
          }
          events.readEnd?.();
        },
        drained: () => events.drain?.(),
        closed: (reason) =>
          events.close(reason === null ? null : Object.assign(new Error(reason), { code: reason })),
      });
    },
  };
}

function pieces(data: Buffer, random: Random | null): Buffer[] {
  if (data.length === 0) return [];
  const cut = random === null ? 0 : random.int(data.length);
  return cut === 0 ? [data] : [data.subarray(0, cut), data.subarray(cut)];
}
