/** The client's connection over the embedded server, with the network in between breaking. */
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Coordinator } from '../../../../coordinator-client/coordinator.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../../../coordinator-client/zookeeper/zookeeper.ts';
import { create, failureOf, put, textOf } from '../../../contract/bench.ts';
import { eventually, pause } from '../../../support/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts';
import { freePorts } from '../../../support/free-ports.ts';

const TICK_MS = 50;
/** A client is suspended by a silence of two thirds of it, which a busy machine may not be for long either. */
const SESSION_TIMEOUT_MS = 8000;
/** A server that hangs is tried for so long. */
const CONNECTION_TIMEOUT_MS = 900;
/** Longer than any pause of a busy machine. */
const LONG_SESSION_TIMEOUT_MS = 60_000;

describe('a session over the wire', () => {
  let server: EmbeddedServer;
  let proxy: FaultProxy;
  const open: Coordinator[] = [];

  beforeAll(async () => {
    server = await startEmbeddedServer({
      host: '127.0.0.1',
      port: 0,
      tickMs: TICK_MS,
      maxSessionTimeoutMs: LONG_SESSION_TIMEOUT_MS,
    });
    proxy = await startFaultProxy(server.port);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((coordinator) => coordinator.close()));
  });
  afterAll(async () => {
    await proxy.close();
    await server.close();
  });

  async function session(
    connect = `127.0.0.1:${proxy.port}`,
    { timeoutMs = 20_000, sessionTimeoutMs = LONG_SESSION_TIMEOUT_MS } = {},
  ): Promise<Coordinator> {
    const coordinator = await zookeeperSource({
      connect,
      sessionTimeoutMs,
      connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
      maxInFlightRequests: 10,
    }).open(timeoutMs);
    open.push(coordinator);
    return coordinator;
  }

  it('is suspended when two thirds of the session timeout were silent', async () => {
    const coordinator = await session(undefined, { sessionTimeoutMs: SESSION_TIMEOUT_MS });
    const startMs = performance.now();
    await coordinator.sync(); // the server is last heard of after that
    proxy.blackhole(true);
    await eventually('it is suspended', () => coordinator.session === 'suspended');
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(SESSION_TIMEOUT_MS / 2);
    proxy.blackhole(false);
    // The rest of the timeout is left for that.
    await eventually('it is connected again', () => coordinator.session === 'connected');
  });

  it('lives on, silent, for longer than its timeout', async () => {
    const coordinator = await session(undefined, { sessionTimeoutMs: SESSION_TIMEOUT_MS });
    const states: string[] = [];
    coordinator.onSession((state) => states.push(state));
    await coordinator.commit([create('/idle', '', 'session')]);
    await pause(SESSION_TIMEOUT_MS * 1.5);
    expect(states).toEqual([]);
    expect(await coordinator.read('/idle')).not.toBeNull();
  });

  it('survives a cut in the middle of an answer, which is then asked for again', async () => {
    const coordinator = await session();
    await coordinator.commit([create('/long', 'x'.repeat(50_000))]);
    const id = coordinator.sessionId;
    const states: string[] = [];
    coordinator.onSession((state) => states.push(state));
    for (const sizeBytes of [1, 3, 17, 1_000, 49_999]) {
      proxy.cutAfter(sizeBytes);
      expect((await textOf(coordinator, '/long'))?.length).toBe(50_000);
    }
    expect(coordinator.sessionId).toBe(id);
    expect(states.filter((state) => state === 'suspended')).toHaveLength(5);
  });

  it('holds thousands of watches over a reconnect, more than one request may carry', async () => {
    const coordinator = await session();
    const other = await session(`127.0.0.1:${server.port}`);
    const name = (index: number): string => `/${'long-name-'.repeat(20)}${index}`;
    const calls = new Array<number>(6_000).fill(0);
    for (const index of calls.keys()) {
      coordinator.watch(name(index), 'node', () => {
        calls[index] = (calls[index] ?? 0) + 1;
      });
    }
    await coordinator.sync();
    proxy.cut();
    await eventually('every watch is called', () => calls.every((count) => count === 1));
    await coordinator.sync();
    await other.commit([create(name(0)), create(name(5_999))]);
    await eventually('two are called again', () => calls[0] === 2 && calls[5_999] === 2);
    expect(calls.reduce((sum, count) => sum + count)).toBe(6_002);
    expect(coordinator.session).toBe('connected');
  });

  it('does not set watches again that were closed', async () => {
    const coordinator = await session();
    let calls = 0;
    const watches = Array.from({ length: 10 }, () => coordinator.watch('/closed', 'node', () => calls++));
    const kept = coordinator.watch('/closed', 'children', () => calls++);
    await coordinator.sync();
    for (const watch of watches) watch.close();
    proxy.cut();
    await eventually('the kept one is called', () => calls > 0);
    kept.close();
    await coordinator.commit([create('/closed'), create('/closed/a')]);
    await pause(50);
    expect(calls).toBe(1);
  });

  it('works below a chroot, which it creates when it is missing', async () => {
    const plain = await session();
    for (const round of ['created', 'found']) {
      const coordinator = await session(`127.0.0.1:${proxy.port}/deep/down`);
      const path = `/${round}`;
      let calls = 0;
      coordinator.watch(path, 'node', () => calls++);
      const sequential = { ...create('/n-'), sequential: true } as const;
      const outcome = await coordinator.commit([create(path, round), sequential]);
      expect(outcome.ok && outcome.results.map((result) => result.path.slice(0, 9))).toEqual([
        path,
        '/n-000000',
      ]);
      expect(await textOf(plain, `/deep/down${path}`)).toBe(round);
      await eventually('the watch is called', () => calls > 0);
      const before = calls;
      proxy.cut();
      await eventually('it is called after the reconnect', () => calls > before);
      expect((await coordinator.commit([put(path, 'x', 0)])).ok).toBe(true);
      await eventually('it still works', () => calls > before + 1);
    }
    expect(await plain.children('/deep')).toEqual(['down']);
  });

  it('refuses paths that ZooKeeper has no words for', async () => {
    const coordinator = await session();
    await expect(coordinator.read('no-slash')).rejects.toThrow(TypeError);
    await expect(coordinator.children('/a/')).rejects.toThrow(TypeError);
    expect(() => coordinator.watch('/a//b', 'node', () => {})).toThrow(TypeError);
  });

  it('finds the server that works among one that hangs and one that is not there', async () => {
    const held = new Set<net.Socket>();
    const hanging = net.createServer((socket) => held.add(socket));
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    const address = hanging.address();
    const port = address !== null && typeof address !== 'string' ? address.port : 0;
    for (let round = 0; round < 4; round++) {
      const coordinator = await session(`127.0.0.1:${port},127.0.0.1:1,127.0.0.1:${proxy.port}`);
      expect(coordinator.session).toBe('connected');
    }
    await Promise.all(open.splice(0).map((coordinator) => coordinator.close()));
    for (const socket of held) socket.destroy();
    await new Promise((resolve) => hanging.close(resolve));
  });

  it('reaches a server by its IPv6 address', async () => {
    const other = await startEmbeddedServer({ host: '::1', port: 0, tickMs: TICK_MS });
    const coordinator = await session(`[::1]:${other.port}/six`);
    expect((await coordinator.commit([create('/a')])).ok).toBe(true);
    await coordinator.close();
    await other.close();
  });

  it('that never comes about leaves nothing behind', async () => {
    const connections = (): number =>
      process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
    const before = connections();
    expect(await failureOf(session('127.0.0.1:1', { timeoutMs: 200 }))).toBe('unavailable');
    await eventually('it is gone', () => connections() <= before);
  });

  it('is lost when its server does not know it any more', async () => {
    const [port = 0] = await freePorts(1);
    const short = await startEmbeddedServer({ host: '127.0.0.1', port, tickMs: TICK_MS });
    const coordinator = await session(`127.0.0.1:${port}`);
    await short.close();
    await eventually('it is suspended', () => coordinator.session === 'suspended');
    const waiting = failureOf(coordinator.read('/'));
    const again = await startEmbeddedServer({ host: '127.0.0.1', port, tickMs: TICK_MS });
    await eventually('it is lost', () => coordinator.session === 'lost');
    expect(await waiting).toBe('session-lost');
    await again.close();
  });
});
