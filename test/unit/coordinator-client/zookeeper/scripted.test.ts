/** The client against a server that misbehaves to order. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Coordinator, ReadRefused } from '../../../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../../../coordinator-client/zookeeper/zookeeper.ts';
import { create, failureOf, put } from '../../../contract/bench.ts';
import { eventually, pause } from '../../../support/eventually.ts';
import {
  type ScriptedZookeeper,
  startScriptedZookeeper,
  watchEvent,
} from '../../../support/scripted-zookeeper.ts';

const OPCODE = { exists: 3, getData: 4, sync: 9, setWatches: 101, closeSession: -11 };
const NO_NODE = -101;
const NO_AUTH = -102;
const THROTTLED = -127;

/** This process, with all that is in it. */
function standStill(durationMs: number): void {
  const goOnMs = performance.now() + durationMs;
  while (performance.now() < goOnMs);
}

describe('the client', () => {
  const cleanup: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of cleanup.splice(0)) await step();
  });

  async function connect(
    sessionTimeoutMs = 60_000,
    maxInFlightRequests = 10,
  ): Promise<{ server: ScriptedZookeeper; coordinator: Coordinator }> {
    const server = await startScriptedZookeeper(sessionTimeoutMs);
    const coordinator = await zookeeperSource({
      connect: `127.0.0.1:${server.port}`,
      sessionTimeoutMs,
      connectionTimeoutMs: sessionTimeoutMs,
      maxInFlightRequests,
    }).open(20_000);
    cleanup.push(async () => {
      server.onRequest = (request) => request.answer(0);
      await server.close();
      await coordinator.close();
    });
    return { server, coordinator };
  }

  it('leaves no more requests unanswered than allowed, and numbers them from 1', async () => {
    const { server, coordinator } = await connect(60_000, 3);
    const reads = Array.from({ length: 10 }, (_, index) => coordinator.read(`/${index}`));
    await eventually('the first are sent', () => server.requests.length >= 3);
    await pause(30);
    expect(server.requests.map((request) => request.xid)).toEqual([1, 2, 3]);
    server.onRequest = (request) => request.answer(NO_NODE);
    for (const request of server.requests.slice(0, 3)) request.answer(NO_NODE);
    expect(await Promise.all(reads)).toEqual(reads.map(() => null));
    expect(server.requests).toHaveLength(10);
  });

  it('tells the commits that were sent from those that were not, and never sends those later', async () => {
    const { server, coordinator } = await connect(60_000, 2);
    const commits = Array.from({ length: 5 }, (_, index) =>
      failureOf(coordinator.commit([put(`/${index}`, 'x', 0)])),
    );
    await eventually('two are sent', () => server.requests.length === 2);
    server.cut();
    const unknown = 'outcome-unknown';
    expect(await Promise.all(commits)).toEqual([
      unknown,
      unknown,
      'unavailable',
      'unavailable',
      'unavailable',
    ]);
    await eventually('it is connected again', () => coordinator.session === 'connected');
    await pause(30);
    expect(server.requests).toHaveLength(2);
  });

  it('takes an error code that it does not know for an answer', async () => {
    const { server, coordinator } = await connect();
    server.onRequest = (request) => request.answer(-4711);
    expect(await failureOf(coordinator.commit([create('/a')]))).toBe('outcome-unknown');
    await expect(coordinator.read('/a')).rejects.toBeInstanceOf(ReadRefused);
    expect(coordinator.session).toBe('connected');
  });

  it('knows that a refused door means not applied', async () => {
    const { server, coordinator } = await connect();
    server.onRequest = (request) => request.answer(-127);
    expect(await failureOf(coordinator.commit([create('/a')]))).toBe('unavailable');
  });

  it('asks a throttled server again, and tells who may not read a node', async () => {
    const { server, coordinator } = await connect();
    let throttled = 0;
    server.onRequest = (request) => {
      if (throttled++ < 2) return request.answer(THROTTLED);
      request.answer(request.opcode === OPCODE.sync ? 0 : NO_NODE);
    };
    expect(await coordinator.read('/a')).toBeNull();
    throttled = 0;
    await coordinator.sync();
    expect(coordinator.session).toBe('connected');
    server.onRequest = (request) => request.answer(NO_AUTH);
    await expect(coordinator.read('/a')).rejects.toBeInstanceOf(ReadRefused);
    await expect(coordinator.children('/a')).rejects.toBeInstanceOf(ReadRefused);
  });

  it.each([THROTTLED, NO_AUTH])(
    'sets a watch that was refused (%i) later, and has its listener look then',
    async (code) => {
      const { server, coordinator } = await connect();
      let refusals = 0;
      server.onRequest = (request) => request.answer(refusals++ < 2 ? code : NO_NODE);
      let calls = 0;
      coordinator.watch('/a', 'node', () => calls++);
      await eventually('the listener looks', () => calls === 1);
      expect(server.requests.filter(({ opcode }) => opcode === OPCODE.exists).length).toBe(3);
      server.send(watchEvent(1, '/a'));
      await eventually('the watch fires', () => calls === 2);
    },
  );

  it('takes an expired session in an answer for the end of the session', async () => {
    const { server, coordinator } = await connect();
    server.onRequest = () => {};
    const failures = [
      failureOf(coordinator.read('/a')),
      failureOf(coordinator.commit([create('/a')])),
      failureOf(coordinator.sync()),
    ];
    await eventually('all are sent', () => server.requests.length === 3);
    server.requests[0]?.answer(-112);
    expect(await Promise.all(failures)).toEqual(['session-lost', 'session-lost', 'session-lost']);
    expect(coordinator.session).toBe('lost');
  });

  it('ignores an event of unknown type', async () => {
    const { server, coordinator } = await connect();
    server.send(watchEvent(9, '/a'));
    server.onRequest = (request) => request.answer(NO_NODE);
    expect(await coordinator.read('/a')).toBeNull();
    expect(coordinator.session).toBe('connected');
  });

  it('gives a connection up whose answers are out of order, and asks reads again', async () => {
    const { server, coordinator } = await connect();
    const states: string[] = [];
    coordinator.onSession((state) => states.push(state));
    server.onRequest = (request) => {
      server.onRequest = (again) => again.answer(NO_NODE);
      server.send(Buffer.concat([Buffer.from([0, 0, 0, 99]), Buffer.alloc(12)]));
      void request;
    };
    expect(await coordinator.read('/a')).toBeNull();
    expect(states).toEqual(['suspended', 'connected']);
  });

  it('comes back with its session and the last zxid it has seen, so that no server shows it less', async () => {
    const { server, coordinator } = await connect();
    server.onRequest = (request) => request.answer(NO_NODE);
    for (const path of ['/a', '/b', '/c']) await coordinator.read(path);
    server.send(watchEvent(1, '/nobody')); // its header carries no zxid
    server.cut();
    await coordinator.read('/d');
    expect(server.handshakes).toEqual([
      { lastZxid: 0n, sessionId: 0n },
      { lastZxid: 3n, sessionId: 77n },
    ]);
  });

  it('tells the new server its watches before anything that waited', async () => {
    const { server, coordinator } = await connect();
    server.onRequest = (request) => request.answer(request.opcode === OPCODE.sync ? 0 : NO_NODE);
    let calls = 0;
    coordinator.watch('/a', 'node', () => calls++);
    await coordinator.sync();
    const before = server.requests.length;
    let read: Promise<unknown> | undefined;
    coordinator.onSession((state) => {
      if (state === 'suspended') read = coordinator.read('/b');
    });
    server.onRequest = (request) => request.answer(request.opcode === OPCODE.setWatches ? 0 : NO_NODE);
    server.cut();
    await eventually('the watch is called', () => calls > 0);
    await read;
    expect(server.requests.slice(before).map((request) => request.opcode)).toEqual([
      OPCODE.setWatches,
      OPCODE.getData,
    ]);
    expect(calls).toBe(1);
  });

  it('sets a fired watch again before the read that its listener makes', async () => {
    const { server, coordinator } = await connect();
    server.onRequest = (request) => request.answer(NO_NODE);
    let look: Promise<unknown> | undefined;
    coordinator.watch('/a', 'node', () => {
      void coordinator.read('/elsewhere');
      look = coordinator.read('/a');
    });
    await coordinator.read('/b');
    const before = server.requests.length;
    server.send(watchEvent(1, '/a'));
    await eventually('the listener is called', () => look !== undefined);
    await look;
    expect(server.requests.slice(before).map((request) => request.opcode)).toEqual([
      OPCODE.exists,
      OPCODE.getData,
      OPCODE.getData,
    ]);
  });

  it('pings by what it has sent, however much it hears', async () => {
    const { server, coordinator } = await connect(1500);
    const chatter = setInterval(() => server.send(watchEvent(3, '/nobody')), 10);
    await eventually('it pings', () => server.pings >= 3);
    clearInterval(chatter);
    expect(coordinator.session).toBe('connected');
  });

  it('does not take a pause of its own process for the silence of its server', async () => {
    const { server, coordinator } = await connect(1500);
    const states: string[] = [];
    coordinator.onSession((state) => states.push(state));
    server.send(watchEvent(3, '/nobody'));
    standStill(1100);
    server.onRequest = (request) => request.answer(NO_NODE);
    expect(await coordinator.read('/a')).toBeNull();
    expect(states).toEqual([]);
  });

  it('nor one of a server that had nothing to say, as it was not asked either', async () => {
    const { server, coordinator } = await connect(1500);
    const states: string[] = [];
    coordinator.onSession((state) => states.push(state));
    await eventually('it pings', () => server.pings >= 1);
    await pause(30); // the answer has come
    const { pings } = server;
    standStill(1100);
    await eventually('it pings again', () => server.pings > pings);
    server.onRequest = (request) => request.answer(NO_NODE);
    expect(await coordinator.read('/a')).toBeNull();
    expect(states).toEqual([]);
  });

  it.each([0, 1100])('leaves a server that is silent, also after a pause of %i ms', async (pauseMs) => {
    const { server, coordinator } = await connect(1500);
    server.isSilent = true;
    standStill(pauseMs);
    await eventually('it dials again', () => server.handshakes.length > 1);
    server.isSilent = false;
    await eventually('it is connected again', () => coordinator.session === 'connected');
  });

  it('ends the session with a request, and waits for the answers that are due', async () => {
    const { server, coordinator } = await connect();
    const commit = coordinator.commit([create('/a'), create('/b')]);
    await eventually('it is sent', () => server.requests.length === 1);
    const closing = coordinator.close();
    await eventually('the end is sent', () => server.requests.at(-1)?.opcode === OPCODE.closeSession);
    server.requests[0]?.answer(-8);
    server.requests[1]?.answer(0);
    expect(await commit).toEqual({ ok: false, index: 0, reason: 'invalid' });
    await closing;
  });
});
