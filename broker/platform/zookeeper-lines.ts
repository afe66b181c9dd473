/**
 * The ZooKeeper client's connections over the platform's sockets, so that their ways can be hurt like others and
 * be secured like others.
 */
import type { DialServer } from '../../coordinator-client/zookeeper/line-socket.ts';
import type { ByteSocket, SocketNetwork } from './sockets.ts';
import type { TlsClientEnd } from './tls.ts';

/** The line has a timer of its own over dialling: this one only ends what nobody waits for any more. */
const DIAL_TIMEOUT_MS = 30_000;

/** `tls`: null without. */
export function dialThrough(sockets: SocketNetwork, tls: TlsClientEnd | null): DialServer {
  return ({ host, port }, events) => {
    let socket: ByteSocket | null = null;
    let isOver = false;
    const over = (reason: string | null): void => {
      if (isOver) return;
      isOver = true;
      events.closed(reason);
    };
    const secured = tls === null ? {} : { tls };
    sockets.dial({ host, port, timeoutMs: DIAL_TIMEOUT_MS, ...secured }).then(
      (dialled) => {
        if (isOver) {
          dialled.destroy();
          return;
        }
        socket = dialled;
        dialled.on({
          // Frames are kept until they are whole, and a chunk lent during the call only.
          data: (chunk) => events.data(Buffer.from(chunk)),
          close: (error) => over(error?.message ?? null),
        });
        events.connected();
      },
      (error: unknown) => over(error instanceof Error ? error.message : String(error)),
    );
    return {
      write: (bytes) => socket?.write([bytes]),
      destroy() {
        if (socket !== null) socket.destroy();
        // Dialling can't be called back; the answer comes later, as of a socket.
        else queueMicrotask(() => over(null));
      },
    };
  };
}
