/** A real ensemble whose servers die, hang and lose touch: what sessions, commits and watches survive. */
import { ACL, createClient, Id, Permission } from 'node-zookeeper-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ANY_VERSION,
  type Coordinator,
  CoordinatorError,
  type CoordinatorSource,
  type SessionState,
} from '../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { type Ensemble, ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { eventually, pause } from '../support/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { check, create, failureOf, put, textOf } from './bench.ts';

const TICK_MS = 250;
const SESSION_TIMEOUT_MS = 6_000;
const lacking = ensembleLacks();
if (lacking !== null) console.log(`skipped: faults of a real ensemble: ${lacking}`);

describe.skipIf(lacking !== null)('on a real ensemble', () => {
  let ensemble: Ensemble;
  /** One before each server, in their order. */
  let proxies: FaultProxy[] = [];
  const open: Coordinator[] = [];
  let count = 0;
  const freshPath = (): string => `/fault-${count++}`;

  beforeAll(async () => {
    ensemble = await startEnsemble({ nodes: 3, tickMs: TICK_MS });
    proxies = await Promise.all(ensemble.ports.map((port) => startFaultProxy(port)));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((coordinator) => coordinator.close()));
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await ensemble.close();
  });

  function sourceOf(connect: string): CoordinatorSource {
    return zookeeperSource({
      connect,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: SESSION_TIMEOUT_MS,
      maxInFlightRequests: 10,
    });
  }

  async function join(
    connect = ensemble.connect,
  ): Promise<{ coordinator: Coordinator; states: SessionState[] }> {
    const coordinator = await sourceOf(connect).open(30_000);
    const states: SessionState[] = [];
    coordinator.onSession((state) => states.push(state));
    open.push(coordinator);
    return { coordinator, states };
  }

  const throughProxies = (): string => proxies.map((proxy) => `127.0.0.1:${proxy.port}`).join(',');
  /** The server, from 1, that the only session through the proxies is on. */
  const serverInUse = (): number => proxies.findIndex((proxy) => proxy.connections() > 0) + 1;

  const connectedAgain = (coordinator: Coordinator, states: readonly SessionState[]): Promise<void> =>
    eventually(
      'the session is connected again',
      () => states.includes('suspended') && coordinator.session === 'connected',
    );

  it('a session outlives kill -9 of its server, with its ephemeral nodes and thousands of watches', async () => {
    const { coordinator, states } = await join(throughProxies());
    const other = (await join()).coordinator;
    const path = freshPath();
    const id = coordinator.sessionId;
    await coordinator.commit([create(path, '', 'session')]);
    const calls = new Array<number>(4_000).fill(0);
    for (const index of calls.keys()) {
      coordinator.watch(`${path}-${index}`, index % 2 === 0 ? 'node' : 'children', () => {
        calls[index] = (calls[index] ?? 0) + 1;
      });
    }
    await coordinator.sync();
    const victim = serverInUse();
    await ensemble.kill(victim);
    await connectedAgain(coordinator, states);
    await eventually('every watch is called', () => calls.every((call) => call === 1));
    expect(coordinator.sessionId).toBe(id);
    expect((await coordinator.read(path))?.ephemeralOwner).toBe(id);
    await eventually('others can write', () => other.session === 'connected');
    await commitSurely(other, `${path}-0`);
    await commitSurely(other, `${path}-1`);
    await eventually('the watches work on', () => calls[0] === 2 && calls[1] === 2);
    await ensemble.start(victim);
  });

  it('acknowledged commits outlive kill -9 of the leader, each applied once', async () => {
    const { coordinator, states } = await join();
    const path = freshPath();
    await coordinator.commit([create(path, '0')]);
    const victim = await ensemble.leader();
    for (let value = 1; value <= 400; ) {
      if (value === 100) void ensemble.kill(victim);
      try {
        const outcome = await coordinator.commit([
          check(path, value - 1),
          put(path, String(value), value - 1),
        ]);
        expect(outcome.ok).toBe(true); // nobody else writes: the version is known
        value++;
      } catch (error) {
        if (!(error instanceof CoordinatorError)) throw error;
        expect(['outcome-unknown', 'unavailable']).toContain(error.failure);
        const node = await coordinator.read(path); // waits until connected
        expect([value - 1, value]).toContain(node?.version);
        expect(node?.data.toString()).toBe(String(node?.version));
        value = (node?.version ?? 0) + 1;
      }
    }
    expect(states).toContain('suspended');
    expect((await coordinator.read(path))?.version).toBe(400);
    await ensemble.start(victim);
  });

  it('a hung server is left within the session timeout, and the session kept', async () => {
    const { coordinator, states } = await join(throughProxies());
    const path = freshPath();
    const id = coordinator.sessionId;
    await coordinator.commit([create(path, '', 'session')]);
    const hung = serverInUse();
    ensemble.stop(hung);
    try {
      await connectedAgain(coordinator, states);
      expect(serverInUse()).not.toBe(hung);
      expect(coordinator.sessionId).toBe(id);
      expect((await coordinator.read(path))?.ephemeralOwner).toBe(id);
    } finally {
      ensemble.cont(hung);
    }
  });

  it('a session that is cut off knows no later than the others that it may be over', async () => {
    const [proxy] = proxies;
    if (proxy === undefined) throw new Error('no proxy');
    const { coordinator, states } = await join(`127.0.0.1:${proxy.port}`);
    const other = (await join()).coordinator;
    const path = freshPath();
    await coordinator.commit([create(path, 'mine', 'session')]);
    await other.sync();
    let stateWhenGone: SessionState | undefined;
    other.watch(path, 'node', () => {
      stateWhenGone = coordinator.session;
    });
    expect(await textOf(other, path)).toBe('mine');
    proxy.blackhole(true);
    await eventually('the ephemeral node vanishes', () => stateWhenGone !== undefined);
    expect(stateWhenGone).toBe('suspended');
    expect(await other.read(path)).toBeNull();
    const reads = failureOf(coordinator.read(path));
    proxy.blackhole(false);
    expect(await reads).toBe('session-lost');
    expect(states).toEqual(['suspended', 'lost']);
  });

  it('without a quorum commits are refused and reads wait; sessions live on when it is back', async () => {
    const { coordinator, states } = await join();
    const path = freshPath();
    const id = coordinator.sessionId;
    await coordinator.commit([create(path, 'kept', 'session')]);
    await Promise.all([ensemble.kill(1), ensemble.kill(2)]);
    await eventually('it is suspended', () => coordinator.session === 'suspended');
    expect(await failureOf(coordinator.commit([put(path, 'late', 0)]))).toBe('unavailable');
    const read = textOf(coordinator, path);
    await pause(SESSION_TIMEOUT_MS); // the session clock stops without a leader
    expect(coordinator.session).toBe('suspended');
    await Promise.all([ensemble.start(1), ensemble.start(2)]);
    expect(await read).toBe('kept');
    expect(coordinator.sessionId).toBe(id);
    // Young ensembles may elect once more: the connection may come and go, the session stays.
    await eventually('it can write again', async () => {
      await coordinator.commit([put(path, 'now', 0)]).catch(() => null);
      return (await textOf(coordinator, path)) === 'now';
    });
    expect((await coordinator.read(path))?.version).toBe(1);
    expect(states).not.toContain('lost');
  });

  it('an access list that forbids it is answered with denied', async () => {
    const { coordinator } = await join();
    const path = freshPath();
    await coordinator.commit([create(path), create(`${path}/child`)]);
    const client = createClient(ensemble.connect, { retries: 5 });
    client.connect();
    await new Promise<void>((resolve, reject) => {
      const readOnly = [new ACL(Permission.READ, new Id('world', 'anyone'))];
      client.setACL(path, readOnly, -1, (error) => (error ? reject(error) : resolve()));
    });
    client.close();
    const denied = { ok: false, index: 0, reason: 'denied' };
    expect(await coordinator.commit([put(path, 'x', ANY_VERSION)])).toEqual(denied);
    expect(await coordinator.commit([create(`${path}/other`)])).toEqual(denied);
    expect(await coordinator.commit([put(path, 'x', ANY_VERSION), create(`${path}-b`)])).toEqual(denied);
    expect(await coordinator.read(path)).not.toBeNull();
  });

  /** Creates `path`, whatever the connection does meanwhile. */
  async function commitSurely(coordinator: Coordinator, path: string): Promise<void> {
    await eventually(`${path} is created`, async () => {
      if ((await coordinator.read(path)) !== null) return true;
      await coordinator.commit([create(path)]).catch(() => null);
      return false;
    });
  }
});
