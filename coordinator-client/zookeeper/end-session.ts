/**
 * Ends a session behind the back of whoever holds it, as ZooKeeper's own tests let one expire: a second
 * connection takes the session over, by its id and its password, and closes it there. The holder learns of it
 * when it connects again. Source: ZooKeeper's FAQ, "how can I test session expiry".
 */
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type { ServerAddress } from './connect-string.ts';
import { Line } from './line.ts';
import type { DialServer } from './line-socket.ts';
import { closeSessionRequest, connectFrame } from './requests.ts';

interface HeldSession {
  readonly sessionId: Buffer;
  readonly sessionPassword: Buffer;
  readonly lastZxid: Buffer;
  readonly timeoutMs: number;
  readonly dial: DialServer;
}

/** Its holder may take a session back, by connecting again, before the close has come: then it is taken once more. */
const MOST_TRIES = 20;
/** In the header of a reply, behind its number and the zxid. */
const ERROR_OFFSET = 12;

/** Asks one server after the other. Rejects when none of them could be reached in time, or it is taken back each time. */
export async function endSession(servers: readonly ServerAddress[], session: HeldSession): Promise<void> {
  let last: unknown = new Error('the session is taken back each time');
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    let isReached = false;
    for (const server of servers) {
      try {
        if (await endAt(server, session)) return;
        isReached = true;
        break;
      } catch (error) {
        last = error;
      }
    }
    if (!isReached) break;
  }
  throw last;
}

/** False where it is not known whether it has ended. */
function endAt(server: ServerAddress, session: HeldSession): Promise<boolean> {
  const { lastZxid, timeoutMs, sessionId, sessionPassword: password, dial } = session;
  return new Promise((resolve, reject) => {
    let isAsked = false;
    const line: Line = new Line(
      server,
      { timeoutMs, dial },
      {
        opened: () => line.write(connectFrame({ lastZxid, timeoutMs, sessionId, password })),
        frame(frame) {
          // The first is the answer to the handshake, the second that to the close.
          if (isAsked || isOver(frame)) {
            line.destroy('the session is ended');
            resolve(!isAsked || frame.readInt32BE(ERROR_OFFSET) === 0);
            return;
          }
          isAsked = true;
          line.write(closeSessionRequest().toBuffer());
        },
        // A server may close without another word.
        closed: (reason) => (isAsked ? resolve(false) : reject(new Error(reason))),
      },
    );
  });
}

/** The server knows of no such session any more. */
function isOver(frame: Buffer): boolean {
  const response = new jute.protocol.ConnectResponse();
  response.deserialize(frame, 0);
  return response.timeOut <= 0;
}
