/**
 * The TCP connection under a Line: Node's own, unless whoever makes the source brings another (one whose ways
 * can be cut on purpose).
 */
import net from 'node:net';
import type { ServerAddress } from './connect-string.ts';

interface LineSocketEvents {
  connected(): void;
  /** The chunk is the receiver's to keep. */
  data(chunk: Buffer): void;
  /** Called once, also when the connection never came about; without a reason the server has closed it. */
  closed(reason: string | null): void;
}

export interface LineSocket {
  write(bytes: Buffer): void;
  /** `closed` follows. */
  destroy(): void;
}

/** Dials; the events come later than the answer. */
export type DialServer = (address: ServerAddress, events: LineSocketEvents) => LineSocket;

/** What is written within one turn of the event loop goes out in one piece. */
export const dialTcp: DialServer = ({ host, port }, events) => {
  const socket = net.connect({ host, port, noDelay: true });
  let reason: string | null = null;
  let isCorked = false;
  socket.on('connect', () => events.connected());
  socket.on('data', (chunk) => events.data(chunk));
  socket.on('error', (error) => {
    reason = error.message;
  });
  socket.on('close', () => events.closed(reason));
  return {
    write(bytes) {
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        process.nextTick(() => {
          isCorked = false;
          socket.uncork();
        });
      }
      socket.write(bytes);
    },
    destroy: () => socket.destroy(),
  };
};
