/**
 * The connections of a command's client: one to each broker, dialled when it is first asked, logged in, and another
 * one before its login is good no more.
 */
import type { SocketNetwork } from '../../broker/platform/sockets.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { SaslLoginError } from '../../broker/protocol/login.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import type { Address } from './bootstrap.ts';
import type { ClientSecurity } from './client-security.ts';

const CONNECT_TIMEOUT_MS = 3000;
/** Of a login's life a connection is used: Kafka's clients log in again about then. */
const SESSION_SHARE = 0.85;

/** A broker that was there is not any more; another one may do what it did. */
export class Gone extends Error {
  override readonly name = 'Gone';
}

interface Held {
  readonly connection: KafkaConnection;
  /** By performance.now(): then its broker may take nothing more on it. */
  readonly goodUntilMs: number;
}

interface ConnectionsOptions {
  readonly clientId: string;
  readonly security: ClientSecurity;
  /** For one answer: a broker that is paused takes connections, and says nothing. */
  readonly answerTimeoutMs: number;
}

export class AdminConnections {
  readonly #sockets: SocketNetwork = tcpSockets();
  readonly #options: ConnectionsOptions;
  /** By their addresses, from the moment at which they are dialled. */
  readonly #connections = new Map<string, Promise<Held>>();
  #isClosed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  close(): void {
    this.#isClosed = true;
    for (const held of this.#connections.values()) {
      held.then(
        ({ connection }) => connection.close(),
        () => {},
      );
    }
  }

  /** What a broker says that it speaks, by API key. */
  async versionsOf(
    broker: Address,
  ): Promise<ReadonlyMap<number, { readonly min: number; readonly max: number }>> {
    return (await this.#connection(broker)).versions();
  }

  /** Rejects with Gone when the broker is not there, or does not answer in time. */
  async ask<A extends AnyApi>(address: Address, api: A, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const connection = await this.#connection(address);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      connection.close();
    }, this.#options.answerTimeoutMs);
    try {
      return await connection.request(api, request);
    } catch (error) {
      if (isLate) throw new Gone(`no answer to ${api.name} within ${this.#options.answerTimeoutMs} ms`);
      // Whoever is closed does not come back, and what a broker does not speak it won't.
      if (connection.open || this.#isClosed) throw error;
      throw new Gone(messageOf(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** One at a time to each broker, and another one before its login is good no more. */
  async #connection(address: Address): Promise<KafkaConnection> {
    const key = `${address.host}:${address.port}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      const { connection, goodUntilMs } = await known;
      if (connection.open && performance.now() < goodUntilMs) return connection;
      // Somebody else who has waited may have dialled meanwhile.
      if (this.#connections.get(key) !== known) return this.#connection(address);
      connection.retire();
    }
    const dialled = this.#dial(address);
    this.#connections.set(key, dialled);
    dialled.catch(() => {
      if (this.#connections.get(key) === dialled) this.#connections.delete(key);
    });
    return (await dialled).connection;
  }

  async #dial(address: Address): Promise<Held> {
    const { tls, sasl } = this.#options.security;
    const options = {
      ...address,
      clientId: this.#options.clientId,
      timeoutMs: CONNECT_TIMEOUT_MS,
      ...(tls === null ? {} : { tls }),
      ...(sasl === null ? {} : { login: sasl }),
    };
    const connection = await KafkaConnection.connect(this.#sockets, options).catch((error: unknown) => {
      // A password does not become right by waiting.
      if (error instanceof SaslLoginError) throw error;
      throw new Gone(messageOf(error));
    });
    if (this.#isClosed) connection.close();
    const { sessionLifetimeMs } = connection;
    const goodForMs = sessionLifetimeMs === 0 ? Number.POSITIVE_INFINITY : sessionLifetimeMs * SESSION_SHARE;
    return { connection, goodUntilMs: performance.now() + goodForMs };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
