/**
 * A connection that sends one request after the other and tells what became of each. Behind every
 * request goes a question that is always answered: its answer shows that there won't be another.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How a request ended; `silent`: neither an answer nor an end, for the whole time. */
type Ended = 'answered' | 'closed' | 'unanswered' | 'silent';

export interface Outcome {
  readonly ended: Ended;
  /** What follows the correlation id. */
  readonly answer: Buffer | null;
}

export const CORRELATION_ID = 7;
const PROBE_ID = 8;
/** ApiVersions v0 without a client id. */
const PROBE = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, PROBE_ID, 0xff, 0xff]);

export class Line {
  readonly #port: number;
  readonly #from: string;
  #socket: Socket | null = null;

  /** `from`: one of this machine's addresses, by which brokers tell senders apart. */
  constructor(port: number, from = '127.0.0.1') {
    this.#port = port;
    this.#from = from;
  }

  /** Sends a frame (with its size) and waits for what comes of it, at most `patienceMs`. */
  async send(frame: Buffer, patienceMs: number): Promise<Outcome> {
    const socket = this.#socket ?? (await this.#connect());
    this.#socket = socket;
    const outcome = await this.#exchange(socket, Buffer.concat([frame, PROBE]), patienceMs);
    if (outcome.ended === 'closed' || outcome.ended === 'silent') this.close();
    return outcome;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #connect(): Promise<Socket> {
    const socket = connect({
      port: this.#port,
      host: '127.0.0.1',
      localAddress: this.#from,
      noDelay: true,
    });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    return socket;
  }

  #exchange(socket: Socket, bytes: Buffer, patienceMs: number): Promise<Outcome> {
    return new Promise((resolve) => {
      let received = Buffer.alloc(0);
      let answer: Buffer | null = null;
      const finish = (ended: Ended): void => {
        clearTimeout(timer);
        socket.off('data', take);
        socket.off('close', closed);
        resolve({ ended, answer });
      };
      const take = (chunk: Buffer): void => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 8 && received.length >= 4 + received.readInt32BE(0)) {
          const end = 4 + received.readInt32BE(0);
          if (received.readInt32BE(4) === PROBE_ID) {
            finish(answer === null ? 'unanswered' : 'answered');
            return;
          }
          answer = received.subarray(8, end);
          received = received.subarray(end);
        }
      };
      const closed = (): void => finish('closed');
      const timer = setTimeout(() => finish('silent'), patienceMs);
      socket.on('data', take);
      socket.once('close', closed);
      socket.write(bytes);
    });
  }
}
