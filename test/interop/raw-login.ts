/** A login by whatever tokens a test wants, and all that a broker answers to it. */
import { connect, type Socket } from 'node:net';
import { decodeResponse } from '../../broker/protocol/codec.ts';
import { requestFrame } from '../../broker/protocol/frame.ts';
import { parseResponseHeader } from '../../broker/protocol/header.ts';
import { SaslHandshake } from '../../broker/protocol/messages/17-sasl-handshake.ts';
import { SaslAuthenticate } from '../../broker/protocol/messages/36-sasl-authenticate.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';

const HANDSHAKE_VERSION = 1;
const AUTHENTICATE_VERSION = 2;
/** How long a session lasts depends on the moment. */
const OF_THE_MOMENT = 'sessionLifetimeMs';

interface Answered {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly token: string;
  readonly lasts: boolean;
}

/** The answer to each token; `closed` where the connection ended instead, after which no more are sent. */
export async function answersToTokens(
  port: number,
  mechanism: string,
  tokens: readonly Buffer[],
): Promise<readonly (Answered | 'closed')[]> {
  const client = await RawLogin.connect(port);
  try {
    await client.ask(SaslHandshake, HANDSHAKE_VERSION, { mechanism });
    const answers: (Answered | 'closed')[] = [];
    for (const authBytes of tokens) {
      const answer = await client.ask(SaslAuthenticate, AUTHENTICATE_VERSION, { authBytes });
      if (answer === null) return [...answers, 'closed'];
      const { errorCode, errorMessage } = answer;
      const lasts = answer[OF_THE_MOMENT] > 0n;
      answers.push({ errorCode, errorMessage, token: answer.authBytes.toString('latin1'), lasts });
    }
    return answers;
  } finally {
    client.close();
  }
}

class RawLogin {
  readonly #socket: Socket;
  readonly #frames: AsyncIterator<Buffer>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#frames = framesOf(socket);
  }

  static async connect(port: number): Promise<RawLogin> {
    const socket = connect({ port, host: 'localhost' });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawLogin(socket);
  }

  /** null: the connection has ended. */
  async ask<A extends AnyApi>(
    api: A,
    version: number,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A> | null> {
    this.#socket.write(
      Buffer.concat(requestFrame(api, version, { correlationId: 1, clientId: 'raw' }, request)),
    );
    const { value: frame, done } = await this.#frames.next();
    if (done === true) return null;
    const { bodyOffset } = parseResponseHeader(api, version, frame);
    return decodeResponse(api, version, frame.subarray(bodyOffset));
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function* framesOf(socket: Socket): AsyncGenerator<Buffer, void> {
  let held: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      held = Buffer.concat([held, chunk as Buffer]);
      while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
        const end = 4 + held.readInt32BE(0);
        yield held.subarray(4, end);
        held = held.subarray(end);
      }
    }
  } catch {
    // The other end has cut it.
  }
}
