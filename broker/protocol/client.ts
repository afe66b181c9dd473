/**
 * The other end: a connection that speaks the protocol as a client does, for scripts, tests and the
 * simulator. It asks once what the broker speaks and then uses the highest version both know; many
 * requests may be under way, answers are matched by correlation id.
 */

import { ErrorCode } from '../errors.ts';
import type { ByteSocket, SocketNetwork } from '../platform/sockets.ts';
import type { TlsClientEnd } from '../platform/tls.ts';
import { decodeResponse } from './codec.ts';
import { FrameReader, requestFrame } from './frame.ts';
import { parseResponseHeader } from './header.ts';
import { logIn, type SaslClient } from './login.ts';
import { Produce } from './messages/00-produce.ts';
import { ApiVersions } from './messages/18-api-versions.ts';
import { ProtocolError } from './reader.ts';
import type { AnyApi, RequestInput, ResponseOf } from './schema.ts';

/** The connection is closed, or the broker doesn't speak what was asked for. */
class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string | null;
  /** For the connection to be made. */
  readonly timeoutMs: number;
  /** Left out: the listener has no TLS. */
  readonly tls?: TlsClientEnd;
  /** Who is to be logged in before anything is asked; left out: the listener asks for no login. */
  readonly login?: SaslClient;
}

interface Waiting {
  readonly answer: (frame: Buffer) => void;
  readonly fail: (error: Error) => void;
}

/** Larger responses than any broker sends. */
const MAX_FRAME_BYTES = 1024 * 1024 * 1024;

/**
 * Every request that was sent and has an answer to come is in `#waiting`; when the connection ends all
 * of them reject.
 */
export class KafkaConnection {
  readonly #socket: ByteSocket;
  readonly #clientId: string | null;
  /** By correlation id. */
  readonly #waiting = new Map<number, Waiting>();
  /** By API key; null until the broker has said. */
  #versions: ReadonlyMap<number, { min: number; max: number }> | null = null;
  /** The one question for the versions, asked when they are first needed. */
  #negotiation: Promise<void> | null = null;
  #nextCorrelationId = 0;
  /** How long its login is good, from its end; 0: for ever, or there is none. */
  sessionLifetimeMs = 0;
  #isRetired = false;
  /** Why the connection has ended, whoever ended it; null while it is open. */
  #closed: Error | null = null;

  private constructor(socket: ByteSocket, clientId: string | null) {
    this.#socket = socket;
    this.#clientId = clientId;
    const frames = new FrameReader(MAX_FRAME_BYTES, (frame) => this.#take(frame));
    socket.on({
      data: (chunk) => {
        try {
          frames.push(chunk);
        } catch (error) {
          this.#fail(error instanceof Error ? error : new Error(String(error)));
        }
      },
      close: (error) => this.#fail(error ?? new ConnectionError('the broker closed the connection')),
    });
  }

  /** Rejects with SaslLoginError when the login fails. */
  static async connect(sockets: SocketNetwork, options: ConnectOptions): Promise<KafkaConnection> {
    const { clientId, login, ...target } = options;
    const connection = new KafkaConnection(await sockets.dial(target), clientId);
    if (login === undefined) return connection;
    try {
      connection.sessionLifetimeMs = await logIn(connection, login);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get open(): boolean {
    return this.#closed === null;
  }

  /**
   * Sends a request, in the highest version both ends know unless one is given. Once the versions are
   * known, requests leave in call order. A Produce with acks=0 has no answer: it resolves when it is
   * written, with an empty response.
   */
  async request<A extends AnyApi>(
    api: A,
    request: RequestInput<A>,
    version?: number,
  ): Promise<ResponseOf<A>> {
    if (version === undefined && this.#versions === null) await this.#negotiate();
    return this.#send(api, request, version ?? this.#commonVersion(api));
  }

  /** What the broker said it speaks; asks it if nobody has yet. */
  async versions(): Promise<ReadonlyMap<number, { readonly min: number; readonly max: number }>> {
    await this.#negotiate();
    return this.#versions ?? new Map();
  }

  close(): void {
    this.#fail(new ConnectionError('the connection was closed by this side'));
  }

  /** Closes it once what was asked is answered. Nobody asks it anything more. */
  retire(): void {
    this.#isRetired = true;
    if (this.#waiting.size === 0) this.close();
  }

  #negotiate(): Promise<void> {
    this.#negotiation ??= this.#askVersions();
    return this.#negotiation;
  }

  async #askVersions(): Promise<void> {
    const request = { clientSoftwareName: 'odradek', clientSoftwareVersion: '1' };
    let answer = await this.#send(ApiVersions, request, ApiVersions.maxVersion);
    // A broker that doesn't know this version says so in the shape of version 0.
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) answer = await this.#send(ApiVersions, {}, 0);
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new ConnectionError(`the broker refused ApiVersions with error ${answer.errorCode}`);
    }
    this.#versions = new Map(
      answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
        apiKey,
        { min: minVersion, max: maxVersion },
      ]),
    );
  }

  #commonVersion(api: AnyApi): number {
    const spoken = this.#versions?.get(api.key);
    const highest = Math.min(spoken?.max ?? -1, api.maxVersion);
    if (spoken === undefined || highest < Math.max(spoken.min, api.minVersion)) {
      throw new ConnectionError(`the broker speaks no version of ${api.name} that this client knows`);
    }
    return highest;
  }

  #send<A extends AnyApi>(api: A, request: RequestInput<A>, version: number): Promise<ResponseOf<A>> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff;
    const parts = requestFrame(api, version, { correlationId, clientId: this.#clientId }, request);
    return new Promise((resolve, reject) => {
      if (hasNoAnswer(api, request)) {
        this.#socket.write(parts, () => resolve({} as ResponseOf<A>));
        return;
      }
      this.#waiting.set(correlationId, {
        answer: (frame) => resolve(decodeAnswer(api, version, frame)),
        fail: reject,
      });
      this.#socket.write(parts);
    });
  }

  #take(frame: Buffer): void {
    const correlationId = frame.length < 4 ? -1 : frame.readInt32BE(0);
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined) throw new ProtocolError(`nobody waits for an answer ${correlationId}`);
    this.#waiting.delete(correlationId);
    try {
      // The frame is a view of the socket's buffer, and the response may point into it.
      waiting.answer(Buffer.from(frame));
    } catch (error) {
      waiting.fail(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#isRetired && this.#waiting.size === 0) this.close();
  }

  #fail(error: Error): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    this.#socket.destroy();
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }
}

function hasNoAnswer<A extends AnyApi>(api: A, request: RequestInput<A>): boolean {
  return api.key === Produce.key && (request as RequestInput<typeof Produce>).acks === 0;
}

function decodeAnswer<A extends AnyApi>(api: A, version: number, frame: Buffer): ResponseOf<A> {
  const unknownVersion =
    api.key === ApiVersions.key && frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION;
  const { bodyOffset } = parseResponseHeader(api, version, frame);
  return decodeResponse(api, unknownVersion ? 0 : version, frame.subarray(bodyOffset));
}
