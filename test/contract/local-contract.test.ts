/** The coordinator contract on the tree in this process, alone and as a server's clients share it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../broker/platform/clock.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { coordinatorContract } from './coordinator-contract.ts';

contractOn('alone', () => new LocalTree());

describe.each(['in memory', 'in a directory'])('the tree that an embedded server shares, %s', (where) => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-shared-'));
  let server: EmbeddedServer;
  let tree: LocalTree | null = null;
  beforeAll(async () => {
    const kept = where === 'in memory' ? {} : { dataDir: directory };
    server = await startEmbeddedServer({
      host: '127.0.0.1',
      port: 0,
      tickMs: 100,
      maxSessionTimeoutMs: 60_000,
      ...kept,
    });
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  contractOn(`of a server ${where}`, () => {
    tree ??= new LocalTree(server.shared);
    return tree;
  });

  it('is one tree with that of the clients over the wire, who hear of its changes', async () => {
    tree ??= new LocalTree(server.shared);
    const client = await wireClient(server.port);
    const heard: string[] = [];
    client.watch('/shared', 'node', () => heard.push('changed'));
    expect(await client.read('/shared')).toBeNull();
    const create = { op: 'create', path: '/shared', data: Buffer.from('x'), lifetime: 'persistent' } as const;
    expect(tree.commit([create], 0n, 0).ok).toBe(true);
    await expect.poll(() => heard).not.toEqual([]);
    expect(String((await client.read('/shared'))?.data)).toBe('x');
    await client.commit([{ op: 'put', path: '/shared', data: Buffer.from('y'), version: 0 }]);
    expect(String(tree.read('/shared')?.data)).toBe('y');
    await client.close();
  });

  it('keeps its sessions, which the server does not expire', async () => {
    tree ??= new LocalTree(server.shared);
    const sessionId = tree.openSession({ nowMs: performance.now(), timeMs: 0 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(tree.hasSession(sessionId)).toBe(true);
    // Of the process before: whoever takes the tree over ends them.
    new LocalTree(server.shared);
    expect(tree.hasSession(sessionId)).toBe(false);
  });
});

function wireClient(port: number): Promise<Coordinator> {
  const options = { sessionTimeoutMs: 60_000, connectionTimeoutMs: 60_000, maxInFlightRequests: 10 };
  return zookeeperSource({ connect: `127.0.0.1:${port}`, ...options }).open(60_000);
}

function contractOn(which: string, make: () => LocalTree): void {
  let made: LocalTree | null = null;
  coordinatorContract(`the tree in this process, ${which}`, async (timeoutsMs) => {
    made ??= make();
    return benchOn(made, timeoutsMs);
  });
}

function benchOn(tree: LocalTree, sessionTimeoutMs = 60_000) {
  const source = localSource({ tree, clock: systemClock, sessionTimeoutMs, delayMs: 1 });
  return {
    source,
    faults: {
      suspend: () => source.partition(),
      resume: () => source.heal(),
      expire: async (coordinator: Coordinator) => {
        source.expire(coordinator.sessionId);
        source.heal();
      },
      dropNextAnswer: (coordinator: Coordinator) => source.dropNextAnswer(coordinator.sessionId),
    },
    close: async () => {},
  };
}
