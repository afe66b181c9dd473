/** Listeners and limits: bind first, serve later; who may connect, and for how long. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import type { Listener } from '../../../broker/config/listeners.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import type { ClientSession } from '../../../broker/network/client-session.ts';
import type { AddressRates } from '../../../broker/network/connection-quotas.ts';
import type { Dispatch, RequestOutcome } from '../../../broker/network/outcome.ts';
import { NetworkServer } from '../../../broker/network/server.ts';
import type { Clock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import type { ByteSocket, SocketNetwork } from '../../../broker/platform/sockets.ts';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';
import { ANONYMOUS } from '../../../broker/security/principal.ts';
import { MemorySocket } from './memory-socket.ts';

/** Time that the test moves on. */
class TestClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; run: () => void }[] = [];

  wallMs = (): number => this.#nowMs;
  nowMs = (): number => this.#nowMs;

  after(delayMs: number, run: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }
}

const CONFIG = {
  brokerId: 1,
  listeners: [
    { name: 'PLAINTEXT', host: 'localhost', port: 0, securityProtocol: 'PLAINTEXT' },
  ] as readonly Listener[],
  socketRequestMaxBytes: 1000,
  queuedMaxRequests: 10,
  socketSendBufferBytes: 100,
  queuedMaxRequestBytes: -1,
  socketListenBacklogSize: 2,
  maxConnections: 100,
  maxConnectionsPerIp: 100,
  maxConnectionsPerIpOverrides: new Map<string, number>(),
  maxConnectionCreationRate: 1000,
  connectionsMaxIdleMs: 1000,
  requestMaxArrivalPauseMs: 60_000,
};

function start(
  overrides: Partial<typeof CONFIG> = {},
  failing: readonly string[] = [],
  rates: AddressRates = { take: () => 0 },
) {
  const clock = new TestClock();
  const closed: string[] = [];
  const accepts = new Map<string, (socket: ByteSocket) => void>();
  const sockets: SocketNetwork = {
    listen: async ({ host, port, accept }) => {
      if (failing.includes(host)) throw new Error(`EADDRINUSE ${host}`);
      accepts.set(host, accept);
      return {
        port: port === 0 ? 12345 : port,
        close: async () => {
          closed.push(host);
        },
      };
    },
    dial: () => Promise.reject(new Error('not here')),
  };
  const config = {
    ...brokerConfig(new Map([['zookeeper.connect', 'localhost:2181']])),
    ...CONFIG,
    ...overrides,
  };
  const liveConfig = new LiveValue(config);
  const server = new NetworkServer({
    config,
    liveConfig,
    sockets,
    clock,
    diagnostics: silent,
    metrics: createMetrics(),
    rates,
    answerMemory: new AnswerMemory(config.queuedMaxResponseBytes),
    securityOf: () => ({ login: null, tls: null, nameOf: (name) => name }),
  });
  const connect = (remoteHost = '10.0.0.1', listener = 'localhost'): MemorySocket => {
    const socket = new MemorySocket(remoteHost);
    accepts.get(listener)?.(socket);
    return socket;
  };
  return { server, clock, connect, closed, liveConfig };
}

const REQUEST = Buffer.from([0, 0, 0, 2, 0, 3]);
const echo: Dispatch = (frame, session): RequestOutcome => {
  const text = `${session.listener} ${frame.length}`;
  return { parts: [Buffer.from(text)], sizeBytes: text.length, sent() {} };
};

describe('listeners', () => {
  it('tell the ports that were really bound', async () => {
    const { server } = start();
    await server.start();
    expect(server.ports.get('PLAINTEXT')).toBe(12345);
  });

  it('are all closed again when one of them can not be bound', async () => {
    const listeners: Listener[] = [
      { name: 'A', host: 'a', port: 1, securityProtocol: 'PLAINTEXT' },
      { name: 'B', host: 'b', port: 2, securityProtocol: 'PLAINTEXT' },
    ];
    const { server, closed } = start({ listeners }, ['b']);
    await expect(server.start()).rejects.toThrow('EADDRINUSE b');
    expect(closed).toEqual(['a']);
  });

  it('connections that come before the broker is ready wait, and are served then', async () => {
    const { server, connect } = start();
    await server.start();
    const socket = connect();
    socket.arrive(REQUEST);
    expect(socket.served).toBe(false);
    server.startAccepting(echo);
    expect(socket.written.toString()).toBe('PLAINTEXT 2');
  });
});

describe('sessions', () => {
  it('are one for each connection, and tell every request of it who is there', async () => {
    const { server, connect } = start();
    await server.start();
    const seen: ClientSession[] = [];
    server.startAccepting((frame, session) => {
      seen.push(session);
      return echo(frame, session);
    });
    const first = connect('10.0.0.1');
    first.arrive(REQUEST);
    first.arrive(REQUEST);
    connect('10.0.0.2').arrive(REQUEST);
    expect(seen[1]).toBe(seen[0]);
    expect(seen.map(({ remoteHost }) => remoteHost)).toEqual(['10.0.0.1', '10.0.0.1', '10.0.0.2']);
    expect(seen[2]?.id).not.toBe(seen[0]?.id);
    expect(seen[0]).toMatchObject({ listener: 'PLAINTEXT', principal: ANONYMOUS });
  });
});

async function serving(overrides: Partial<typeof CONFIG> = {}, rates?: AddressRates) {
  const started = start(overrides, [], rates);
  await started.server.start();
  started.server.startAccepting(echo);
  return started;
}

describe('limits', () => {
  it('max.connections: newcomers wait until somebody leaves; beyond the backlog they are closed', async () => {
    const { connect } = await serving({ maxConnections: 1 });
    const [first, second, third, fourth] = [connect(), connect(), connect(), connect()];
    expect([first, second, third, fourth].map(({ served }) => served)).toEqual([true, false, false, false]);
    expect([first, second, third, fourth].map(({ open }) => open)).toEqual([true, true, true, false]);
    second.arrive(REQUEST);
    first.destroy();
    expect(second.written.toString()).toBe('PLAINTEXT 2');
    expect(third.served).toBe(false);
  });

  it('max.connections.per.ip closes what is too much, and overrides count for their address', async () => {
    const { server, connect } = await serving({
      maxConnectionsPerIp: 1,
      maxConnectionsPerIpOverrides: new Map([['10.0.0.9', 2]]),
    });
    const open = (host: string): boolean => connect(host).open;
    expect([open('10.0.0.1'), open('10.0.0.1'), open('10.0.0.2')]).toEqual([true, false, true]);
    expect([open('10.0.0.9'), open('10.0.0.9'), open('10.0.0.9')]).toEqual([true, true, false]);
    expect(server.connectionCount).toBe(4);
  });

  it('max.connection.creation.rate lets newcomers in one after the other', async () => {
    const { clock, connect } = await serving({ maxConnectionCreationRate: 2 });
    const sockets = [connect(), connect(), connect(), connect()];
    expect(sockets.map(({ served }) => served)).toEqual([true, true, false, false]);
    clock.advance(500);
    expect(sockets.map(({ served }) => served)).toEqual([true, true, true, false]);
    clock.advance(500);
    expect(sockets.map(({ served }) => served)).toEqual([true, true, true, true]);
  });

  it('request.max.arrival.pause.ms closes those of whose request the rest does not come', async () => {
    const { server, connect, clock } = start({
      connectionsMaxIdleMs: 100_000,
      requestMaxArrivalPauseMs: 1000,
    });
    await server.start();
    server.startAccepting(() => new Promise(() => {}));
    const [stuck, slow, idle] = [connect(), connect(), connect()];
    const beginning = Buffer.from([0, 0, 0, 100, 0]);
    stuck.arrive(beginning);
    slow.arrive(beginning);
    for (let part = 0; part < 5; part++) {
      await clock.advance(600);
      slow.arrive(Buffer.from([part]));
    }
    expect([stuck.open, slow.open, idle.open]).toEqual([false, true, true]);
  });

  it('connections.max.idle.ms closes those that do nothing, not those that are waiting for an answer', async () => {
    const { server, clock, connect } = start();
    await server.start();
    server.startAccepting((frame, session) =>
      frame.length === 2 ? echo(frame, session) : new Promise(() => {}),
    );
    const [idle, busy, waiting] = [connect(), connect(), connect()];
    waiting.arrive(Buffer.from([0, 0, 0, 3, 0, 1, 1]));
    for (let i = 0; i < 4; i += 1) {
      clock.advance(400);
      busy.arrive(REQUEST);
    }
    expect([idle.open, busy.open, waiting.open]).toEqual([false, true, true]);
  });
});

describe('stopping', () => {
  it('closes listeners and connections', async () => {
    const { server, connect, closed } = await serving();
    const socket = connect();
    await server.stop();
    expect(closed).toEqual(['localhost']);
    expect(socket.open).toBe(false);
    expect(server.connectionCount).toBe(0);
  });

  it('lets requests under way be answered within the grace', async () => {
    const { server, connect } = start();
    await server.start();
    let answer: (outcome: RequestOutcome) => void = () => {};
    server.startAccepting(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const socket = connect();
    socket.arrive(REQUEST);
    const stopped = server.stop(5000);
    await Promise.resolve();
    answer({ parts: [Buffer.from('late')], sizeBytes: 4, sent() {} });
    await stopped;
    expect(socket.written.toString()).toBe('late');
    expect(socket.open).toBe(false);
  });
});

describe('an address over its connection rate', () => {
  it('is kept waiting, then turned away; others are served', async () => {
    const limits = new Map([['10.0.0.1', 700]]);
    const { connect, clock } = await serving({}, { take: (host) => limits.get(host) ?? 0 });
    const [held, served] = [connect('10.0.0.1'), connect('10.0.0.2')];
    served.arrive(REQUEST);
    expect(served.written.toString()).toBe('PLAINTEXT 2');
    expect([held.served, held.open]).toEqual([false, true]);
    clock.advance(700);
    expect(held.open).toBe(false);
  });

  it('keeps no more sockets waiting than the backlog holds, and none when the broker stops', async () => {
    const { connect, server } = await serving({}, { take: () => 700 });
    const sockets = [connect(), connect(), connect()];
    expect(sockets.map(({ open }) => open)).toEqual([true, true, false]);
    await server.stop();
    expect(sockets.some(({ open }) => open)).toBe(false);
  });
});
