/**
 * The clients' door: one TCP listener per configured listener, and all connections. Ports are bound first, so
 * that they can be registered; connections are served only once the broker can answer them, and wait
 * until then (acceptor.ts).
 * Source: SocketServer, Selector.maybeCloseOldestConnection.
 */
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import { hasTls, type Listener } from '../config/listeners.ts';
import type { Live } from '../config/live.ts';
import { BufferPool } from '../platform/buffer-pool.ts';
import { type Clock, every, type Timer } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import { SharedTurn } from '../platform/loop-turns.ts';
import type { Counter, Metrics } from '../platform/metrics.ts';
import { SeldomLines } from '../platform/seldom-lines.ts';
import type { ByteSocket, SocketListener, SocketNetwork } from '../platform/sockets.ts';
import type { TlsListening } from '../platform/tls.ts';
import type { AnswerMemory } from '../replication/requests/answer-memory.ts';
import { Acceptor, type Newcomer } from './acceptor.ts';
import { ClientSession } from './client-session.ts';
import { Connection } from './connection.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { type AddressRates, ConnectionQuotas, connectionQuotaLimits } from './connection-quotas.ts';
import { KeptMemory } from './kept-memory.ts';
import { type LoginWitness, loginWitness } from './login-witness.ts';
import type { Dispatch } from './outcome.ts';
import { RequestMemory, requestMemoryBytes } from './request-memory.ts';
import { SaslAuthenticator } from './sasl-authenticator.ts';
import { NobodysCertificate, principalAtFirst, type SecuredListener } from './secured-listener.ts';

interface NetworkServerParts {
  readonly config: FixedConfig;
  readonly liveConfig: Live<BrokerConfig>;
  readonly sockets: SocketNetwork;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly metrics: Metrics;
  /** How often single addresses may connect. */
  readonly rates: AddressRates;
  readonly answerMemory: AnswerMemory;
  /** What clients of a listener meet, at this moment. */
  readonly securityOf: (listener: string) => SecuredListener;
}

/** What the pool of buffers for partial frames may keep for reuse. */
const MAX_POOLED_BYTES = 16 * 1024 * 1024;
/** Unsent bytes allowed per connection where socket.send.buffer.bytes is left to the system (-1). */
const DEFAULT_UNSENT_BYTES = 102_400;
const SHORTEST_SWEEP_MS = 50;
const LONGEST_SWEEP_MS = 10_000;

/**
 * A connection is in `#connections` and counted in `#quotas` from the moment it is served until its
 * socket has closed; until it is served it is at the `#acceptor`.
 */
export class NetworkServer {
  readonly #parts: NetworkServerParts;
  readonly #diagnostics: Diagnostics;
  readonly #limits: ConnectionLimits;
  readonly #quotas: ConnectionQuotas;
  readonly #pool = new BufferPool(MAX_POOLED_BYTES);
  readonly #memory: RequestMemory;
  readonly #kept: KeptMemory;
  readonly #witness: LoginWitness;
  readonly #complaints: SeldomLines;
  readonly #bytesIn: Counter;
  readonly #bytesOut: Counter;
  /** By listener name; empty again once the server stops. */
  readonly #listeners = new Map<string, SocketListener>();
  readonly #connections = new Set<Connection>();
  readonly #flushes: SharedTurn;
  readonly #acceptor: Acceptor;
  #sweeper: Timer | null = null;
  /** Last part of a connection's id, which makes it unique in this process. */
  #nextConnection = 0;
  /** Set while `stop` waits for the last connection to close. */
  #stopped: (() => void) | null = null;
  readonly #unfollow: () => void;

  constructor(parts: NetworkServerParts) {
    const { config, liveConfig, metrics } = parts;
    this.#parts = parts;
    this.#flushes = new SharedTurn(parts.clock);
    this.#diagnostics = parts.diagnostics.named(`SocketServer id=${config.brokerId}`);
    this.#limits = {
      frames: { maxBytes: config.socketRequestMaxBytes, config: 'socket.request.max.bytes' },
      loginFrames: { maxBytes: config.saslServerMaxReceiveSize, config: 'sasl.server.max.receive.size' },
      maxInFlightRequests: config.queuedMaxRequests,
      maxUnsentBytes: config.socketSendBufferBytes > 0 ? config.socketSendBufferBytes : DEFAULT_UNSENT_BYTES,
    };
    this.#quotas = new ConnectionQuotas(connectionQuotaLimits(liveConfig), parts.rates, parts.clock.nowMs());
    this.#acceptor = new Acceptor({
      clock: parts.clock,
      diagnostics: this.#diagnostics,
      quotas: this.#quotas,
      backlogSize: config.socketListenBacklogSize,
    });
    this.#unfollow = liveConfig.onChange(() => this.#reconfigure());
    this.#witness = loginWitness({ clock: parts.clock, diagnostics: this.#diagnostics, metrics });
    this.#complaints = new SeldomLines({
      clock: parts.clock,
      say: (line) => this.#diagnostics.warn(line),
      about: 'connections closed for what was no request',
    });
    this.#memory = new RequestMemory(requestMemoryBytes(config));
    this.#kept = new KeptMemory(config.queuedProduceMaxBytes);
    this.#bytesIn = metrics.counter('kafka_network_socketserver_bytesin_total', 'Bytes read from clients');
    this.#bytesOut = metrics.counter('kafka_network_socketserver_bytesout_total', 'Bytes written to clients');
    metrics.gauge(
      'kafka_network_socketserver_connections',
      'Open client connections',
      () => this.#connections.size,
    );
  }

  /** Ports by listener name, as bound: the real ones where the configuration says 0. */
  get ports(): ReadonlyMap<string, number> {
    return new Map([...this.#listeners].map(([name, listener]) => [name, listener.port]));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Binds every listener; rejects, with none left open, when one can't be bound. */
  async start(): Promise<void> {
    const { config, sockets } = this.#parts;
    try {
      for (const one of config.listeners) {
        const { name, host, port, securityProtocol } = one;
        const listener = await sockets.listen({
          host,
          port,
          backlog: config.socketListenBacklogSize,
          accept: (socket) => this.#acceptor.accept({ socket, listener: one }),
          ...(hasTls(securityProtocol) ? { tls: this.#tlsOf(name) } : {}),
        });
        this.#listeners.set(name, listener);
        this.#diagnostics.info(`listener ${name} is bound to ${host === '' ? '*' : host}:${listener.port}`);
      }
    } catch (error) {
      await this.#closeListeners();
      throw error;
    }
  }

  /** From here on requests are answered. */
  startAccepting(dispatch: Dispatch): void {
    const { connectionsMaxIdleMs, requestMaxArrivalPauseMs } = this.#parts.config;
    const idleMs = connectionsMaxIdleMs < 0 ? Number.POSITIVE_INFINITY : connectionsMaxIdleMs;
    const shortestMs = Math.min(idleMs, requestMaxArrivalPauseMs);
    this.#sweeper = every(
      this.#parts.clock,
      Math.max(SHORTEST_SWEEP_MS, Math.min(shortestMs / 4, LONGEST_SWEEP_MS)),
      () => this.#closeIdle(idleMs),
      (error) => this.#diagnostics.error('closing idle connections failed', error),
    );
    this.#acceptor.open((newcomer) => this.#serve(newcomer, dispatch));
  }

  /** Accepts nothing more, lets requests under way be answered for up to `graceMs`, then closes everything. */
  async stop(graceMs = 0): Promise<void> {
    this.#unfollow();
    this.#sweeper?.cancel();
    this.#acceptor.close();
    await this.#closeListeners();
    this.#acceptor.turnAwayAll();
    for (const connection of this.#connections) connection.end();
    if (this.#connections.size > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#parts.clock.after(graceMs, resolve);
        this.#stopped = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    for (const connection of [...this.#connections]) connection.destroy();
  }

  /** Takes over limits that were changed while the broker runs. */
  #reconfigure(): void {
    this.#quotas.limits = connectionQuotaLimits(this.#parts.liveConfig);
    this.#acceptor.serveWaiting();
  }

  async #closeListeners(): Promise<void> {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  /** False where it has shown a certificate that is nobody's. */
  #serve({ socket, listener }: Newcomer, dispatch: Dispatch): boolean {
    const host = socket.remoteHost;
    const id = `${listener.name}:${socket.localPort}-${host}:${socket.remotePort}-${this.#nextConnection}`;
    this.#nextConnection += 1;
    const { clock } = this.#parts;
    const session = this.#sessionOn(socket, listener, id);
    if (session === null) return false;
    this.#connections.add(
      new Connection({
        socket,
        session,
        dispatch: session.isAuthenticated ? dispatch : this.#authenticating(session, dispatch),
        clock,
        limits: this.#limits,
        pool: this.#pool,
        memory: this.#memory,
        answerMemory: this.#parts.answerMemory,
        flushes: this.#flushes,
        complaints: this.#complaints,
        bytesIn: this.#bytesIn,
        bytesOut: this.#bytesOut,
        onClosed: (connection) => this.#closed(connection, host),
      }),
    );
    return true;
  }

  /** Secure connections of a listener; those that were not to be had are told of, a few in each period. */
  #tlsOf(listener: string): TlsListening {
    const { config, securityOf } = this.#parts;
    return {
      end() {
        const { tls } = securityOf(listener);
        if (tls === null) throw new Error(`listener ${listener} has no TLS`);
        return tls;
      },
      handshakeTimeoutMs: config.tlsHandshakeTimeoutMs,
      mostHandshakes: config.tlsMaxHandshakes,
      refused: (remoteHost, reason) => this.#witness.turnedAway(`${remoteHost} on ${listener}`, reason),
    };
  }

  /** null: the client has shown a certificate that is nobody's. */
  #sessionOn(socket: ByteSocket, listener: Listener, id: string): ClientSession | null {
    const { name, securityProtocol } = listener;
    const remoteHost = socket.remoteHost;
    try {
      const principal = principalAtFirst(listener, this.#parts.securityOf(name), socket);
      return new ClientSession({ id, remoteHost, listener: name, securityProtocol }, principal, this.#kept);
    } catch (error) {
      if (!(error instanceof NobodysCertificate || error instanceof RangeError)) throw error;
      this.#witness.turnedAway(`${remoteHost} (${id})`, error.message);
      return null;
    }
  }

  /** What takes the frames of a client that has to log in. */
  #authenticating(session: ClientSession, dispatch: Dispatch): Dispatch {
    const { clock, config, securityOf } = this.#parts;
    const { login } = securityOf(session.listener);
    if (login === null) throw new Error(`clients of ${session.listener} have no login`);
    const authenticator = new SaslAuthenticator({
      session,
      dispatch,
      clock,
      login,
      witness: this.#witness,
      failureDelayMs: config.connectionFailedAuthenticationDelayMs,
    });
    return authenticator.take;
  }

  #closed(connection: Connection, host: string): void {
    if (!this.#connections.delete(connection)) return;
    this.#quotas.remove(host);
    if (this.#connections.size === 0) this.#stopped?.();
    this.#acceptor.serveWaiting();
  }

  /** Now and then: also the buffers that lie idle go. */
  #closeIdle(idleMs: number): void {
    this.#pool.trim();
    const nowMs = this.#parts.clock.nowMs();
    for (const connection of [...this.#connections]) {
      if (connection.lingers) {
        connection.destroy();
        continue;
      }
      const stuckMs = nowMs - (connection.frameStuckSinceMs ?? nowMs);
      if (stuckMs >= this.#parts.config.requestMaxArrivalPauseMs) {
        this.#diagnostics.info(`closing ${connection.session.id}: the rest of a request has not come`);
        connection.destroy();
        continue;
      }
      const sinceMs = connection.idleSinceMs;
      if (sinceMs === null || nowMs - sinceMs < idleMs) continue;
      this.#diagnostics.debug(`closing ${connection.session.id}: idle for ${Math.round(nowMs - sinceMs)} ms`);
      connection.destroy();
    }
  }
}
