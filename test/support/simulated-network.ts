/**
 * A network of hosts in virtual time: links with random latency that can be cut, in one direction or
 * both, and hosts that crash. A cut holds traffic up, as packets sent again do, and a connection
 * survives it when it is healed in time; channels notice silence as the real ones do by their pings.
 */
import type {
  Channel,
  ChannelNetwork,
  HttpAnswer,
  HttpHeaders,
  HttpRequest,
} from '../../broker/platform/channels.ts';
import type { Clock } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import type { ByteSocket, SocketNetwork } from '../../broker/platform/sockets.ts';
import { inMemoryChannel } from './in-memory-channels.ts';
import { inMemorySocket } from './in-memory-sockets.ts';
import { type Line, WireEnd } from './simulated-wire.ts';

/** As Linux: TCP_TIMEOUT_INIT, and twice as long after each. */
const FIRST_HANDSHAKE_PAUSE_MS = 1_000;

interface SimulatedNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly minLatencyMs?: number;
  readonly maxLatencyMs?: number;
  /** After so long without hearing anything a channel is closed. */
  readonly silenceLimitMs?: number;
}

/** What waits at a host and port for one kind of connection. */
interface Waiting {
  readonly kind: 'socket' | 'channel';
  readonly connected: (end: WireEnd) => void;
  readonly http?: (request: HttpRequest) => Promise<HttpAnswer>;
}

interface Connection {
  readonly ends: readonly [WireEnd, WireEnd];
  readonly kind: 'socket' | 'channel';
}

const FIRST_EPHEMERAL_PORT = 32768;
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '::1']);

export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #minLatencyMs: number;
  readonly #maxLatencyMs: number;
  readonly #silenceLimitMs: number;
  /** `from>to`, with when it was cut. */
  readonly #cuts = new Map<string, number>();
  /** Hosts whose machine is off. */
  readonly #off = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  #connections: Connection[] = [];
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: SimulatedNetworkOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#minLatencyMs = options.minLatencyMs ?? 0.1;
    this.#maxLatencyMs = options.maxLatencyMs ?? 1;
    this.#silenceLimitMs = options.silenceLimitMs ?? 15_000;
  }

  /** The network as the process on one host sees it. */
  host(name: string): { sockets: SocketNetwork; channels: ChannelNetwork } {
    return {
      sockets: {
        listen: async ({ port, accept }) =>
          this.#listen(name, port, {
            kind: 'socket',
            connected: (end) => accept(inMemorySocket(end, this.#random)),
          }),
        dial: async (target): Promise<ByteSocket> =>
          inMemorySocket(await this.#dial(name, target, 'socket'), this.#random),
      },
      channels: {
        listen: async ({ port, maxMessageBytes, accept, http }) =>
          this.#listen(name, port, {
            kind: 'channel',
            connected: (end) => accept(inMemoryChannel(end, maxMessageBytes)),
            http,
          }),
        dial: async (target): Promise<Channel> =>
          inMemoryChannel(await this.#dial(name, target, 'channel'), target.maxMessageBytes),
      },
    };
  }

  /** Cuts both directions between two hosts. */
  cut(one: string, other: string): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Nothing gets from one host to the other, while the way back stays open. */
  cutOneWay(from: string, to: string): void {
    if (this.#cuts.has(way(from, to))) return;
    this.#cuts.set(way(from, to), this.#clock.nowMs());
    for (const { ends, kind } of this.#connections) {
      for (const end of ends) {
        if (kind === 'channel' && end.host === to && end.peer.host === from) this.#watchForSilence(end);
      }
    }
  }

  /** Everyone in `group` is cut off from everyone else. */
  isolate(group: readonly string[], others: readonly string[]): void {
    for (const one of group) for (const other of others) this.cut(one, other);
  }

  /** Heals one cut, or all of them. */
  heal(one?: string, other?: string): void {
    if (one === undefined || other === undefined) {
      this.#cuts.clear();
    } else {
      this.#cuts.delete(way(one, other));
      this.#cuts.delete(way(other, one));
    }
    this.#pumpAll();
  }

  /**
   * Ends all that the process on a host had. `process`: the others hear of it at once, and the port
   * refuses. `machine`: the others hear nothing, until it is on again or they notice the silence.
   */
  crash(host: string, what: 'process' | 'machine' = 'process'): void {
    for (const key of this.#waiting.keys()) if (key.startsWith(`${host}:`)) this.#waiting.delete(key);
    if (what === 'machine') this.#off.set(host, this.#clock.nowMs());
    for (const { ends, kind } of this.#connections) {
      for (const end of ends) {
        if (end.host !== host) continue;
        end.kill(what);
        if (what === 'machine' && kind === 'channel') this.#watchForSilence(end.peer);
      }
    }
    this.#forgetDead();
  }

  /** Switches a machine on again. */
  restart(host: string): void {
    this.#off.delete(host);
    for (const { ends } of this.#connections) {
      for (const end of ends) {
        // It knows nothing of its old connections and says so to whoever still holds one.
        if (end.host === host && end.dead) end.peer.abort('ECONNRESET', null);
      }
    }
    this.#pumpAll();
  }

  /** Asks the HTTP side of a host's channel listener, as a metrics collector does. */
  async get(host: string, port: number, path: string, headers: HttpHeaders = {}): Promise<HttpAnswer> {
    const http = this.#waiting.get(`${host}:${port}`)?.http;
    if (http === undefined) throw failure('ECONNREFUSED', `${host}:${port}`);
    const body = () => Promise.resolve(Buffer.alloc(0));
    return http({ method: 'GET', path, headers, remoteAddress: host, body });
  }

  #listen(host: string, port: number, waiting: Waiting): { port: number; close: () => Promise<void> } {
    const bound = port === 0 ? this.#nextPort++ : port;
    const key = `${host}:${bound}`;
    if (this.#waiting.has(key)) throw failure('EADDRINUSE', key);
    this.#waiting.set(key, waiting);
    return {
      port: bound,
      close: async () => {
        if (this.#waiting.get(key) === waiting) this.#waiting.delete(key);
      },
    };
  }

  #dial(
    from: string,
    target: { host: string; port: number; timeoutMs: number },
    kind: Waiting['kind'],
  ): Promise<WireEnd> {
    const to = OWN_NAMES.has(target.host) ? from : target.host;
    const key = `${to}:${target.port}`;
    return new Promise((resolve, reject) => {
      let settled = false;
      const timer = this.#clock.after(target.timeoutMs, () => {
        settled = true;
        reject(failure('ETIMEDOUT', key));
      });
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        timer.cancel();
        act();
      };
      const isOver = (): boolean => settled;
      this.#travel(from, to, isOver, () => {
        const waiting = this.#waiting.get(key);
        if (waiting?.kind !== kind) {
          this.#travel(to, from, isOver, () => settle(() => reject(failure('ECONNREFUSED', key))));
          return;
        }
        const [own, theirs] = this.#connect(from, { host: to, port: target.port }, kind);
        waiting.connected(theirs);
        this.#travel(to, from, isOver, () => settle(() => resolve(own)));
      });
    });
  }

  #connect(from: string, to: { host: string; port: number }, kind: Waiting['kind']): [WireEnd, WireEnd] {
    const ends = WireEnd.pair(
      this.#clock,
      { host: from, port: this.#nextPort++, line: this.#line(from, to.host) },
      { ...to, line: this.#line(to.host, from) },
    );
    this.#forgetDead();
    this.#connections.push({ ends, kind });
    return ends;
  }

  /** One packet of a handshake: while the way is blocked it is sent again, ever more seldom, as by a kernel. */
  #travel(
    from: string,
    to: string,
    isOver: () => boolean,
    arrive: () => void,
    pauseMs = FIRST_HANDSHAKE_PAUSE_MS,
  ): void {
    const line = this.#line(from, to);
    this.#clock.after(line.latencyMs(), () => {
      if (isOver()) return;
      if (!line.blocked()) arrive();
      else this.#clock.after(pauseMs, () => this.#travel(from, to, isOver, arrive, pauseMs * 2));
    });
  }

  #line(from: string, to: string): Line {
    const key = way(from, to);
    return {
      latencyMs: () =>
        this.#minLatencyMs + this.#random.fraction() * (this.#maxLatencyMs - this.#minLatencyMs),
      // Asked for every message.
      blocked: () => this.#cuts.has(key) || this.#off.has(from) || this.#off.has(to),
    };
  }

  #silentSince(from: string, to: string): number | null {
    return this.#cuts.get(way(from, to)) ?? this.#off.get(from) ?? this.#off.get(to) ?? null;
  }

  /** Closes `end` unless it hears something again before the limit. */
  #watchForSilence(end: WireEnd): void {
    const since = this.#silentSince(end.peer.host, end.host);
    this.#clock.after(this.#silenceLimitMs, () => {
      if (end.dead || since === null || this.#silentSince(end.peer.host, end.host) !== since) return;
      end.abort(`nothing heard for ${this.#silenceLimitMs} ms`, 'ECONNRESET');
    });
  }

  #pumpAll(): void {
    this.#forgetDead();
    for (const { ends } of this.#connections) {
      for (const end of ends) end.pump();
    }
  }

  #forgetDead(): void {
    this.#connections = this.#connections.filter(({ ends: [one, other] }) => !one.dead || !other.dead);
  }
}

function way(from: string, to: string): string {
  return `${from}>${to}`;
}

function failure(code: string, where: string): Error {
  return Object.assign(new Error(`${code}: ${where}`), { code });
}
