/** A broker's id when somebody is registered with it already: an earlier run, or another broker. */

import { beforeEach, describe, expect, it } from 'vitest';
import { takeBrokerId } from '../../../broker/node/registering.ts';
import { type Diagnostics, silent } from '../../../broker/platform/diagnostics.ts';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import type { BrokerRegistration } from '../../../coordinator-client/znodes/znodes.ts';
import { World } from '../../support/world.ts';

const SESSION_TIMEOUT_MS = 2000;

let world: World;
let source: LocalSource;
let warnings: string[];
let diagnostics: Diagnostics;

beforeEach(() => {
  world = new World();
  source = world.source({ sessionTimeoutMs: SESSION_TIMEOUT_MS, delayMs: 1 });
  warnings = [];
  diagnostics = { ...silent, warn: (message) => warnings.push(message) };
});

async function open(): Promise<Coordinator> {
  return (await world.store(source)).coordinator;
}

function registration(port: number): BrokerRegistration {
  const endpoint = { listener: 'PLAINTEXT', host: 'somewhere', port, securityProtocol: 'PLAINTEXT' };
  return { id: 2, endpoints: [endpoint], rack: null, jmxPort: -1, timestampMs: 1, features: new Map() };
}

/** Another session that has the id. */
async function registered(port: number): Promise<Coordinator> {
  const coordinator = await open();
  await world.settled(new ClusterStore(coordinator).registerBroker(registration(port)), 1000);
  return coordinator;
}

function take(coordinator: Coordinator, formerSessionId?: bigint): Promise<number | string> {
  const options = { ...world.platform('host2', { diagnostics }), formerSessionId, causeId: null };
  return takeBrokerId(new ClusterStore(coordinator), registration(9092), options).catch(
    (error: Error) => error.message,
  );
}

describe("a broker's id", () => {
  it('is taken as soon as the session of an earlier run ends, and meanwhile the operator knows', async () => {
    const earlier = await registered(9092);
    source.suspend(earlier.sessionId);
    const coordinator = await open();
    const taken = take(coordinator);
    const epoch = await world.settled(taken, SESSION_TIMEOUT_MS + 200);
    expect(epoch).toBeTypeOf('number');
    expect((await world.settled(coordinator.read('/brokers/ids/2'), 100))?.ephemeralOwner).toBe(
      coordinator.sessionId,
    );
    expect(warnings).toEqual([
      expect.stringContaining(
        `broker id 2 is registered by ZooKeeper session 0x${earlier.sessionId.toString(16)} (PLAINTEXT://somewhere:9092, since `,
      ),
    ]);
    expect(warnings[0]).toContain('at most 3000 ms');
  });

  it('stays with a broker that is alive; who asks for it is told which that is', async () => {
    const other = await registered(9999);
    const refused = await world.settled(take(await open()), 3100);
    expect(refused).toContain('broker id 2 is registered by ZooKeeper session');
    expect(refused).toContain('PLAINTEXT://somewhere:9999');
    expect(refused).toContain('give this one another broker.id');
    expect(other.session).toBe('connected');
    expect((await world.settled(other.read('/brokers/ids/2'), 100))?.ephemeralOwner).toBe(other.sessionId);
  });

  it('is not waited for a second time when a third broker was faster', async () => {
    const earlier = await registered(9092);
    const faster = world.source({ sessionTimeoutMs: SESSION_TIMEOUT_MS });
    const third = await world.settled(faster.open(1000), 1000);
    third.watch('/brokers/ids/2', 'node', () => {
      void new ClusterStore(third).registerBroker(registration(9999));
    });
    const refused = take(await open());
    await world.pass(500);
    await world.settled(earlier.close(), 100);
    expect(await world.settled(refused, 100)).toContain('PLAINTEXT://somewhere:9999');
    expect(warnings).toHaveLength(1);
  });

  it("is taken from this process's own former session without waiting", async () => {
    const former = await registered(9092);
    const epoch = await world.settled(take(await open(), former.sessionId), 100);
    expect(epoch).toBeTypeOf('number');
    expect(warnings).toEqual([]);
  });

  it('is no longer waited for when the session that asks is closed', async () => {
    await registered(9092);
    const coordinator = await open();
    const refused = take(coordinator);
    await world.pass(500);
    await world.settled(coordinator.close(), 100);
    expect(await world.settled(refused, 100)).toContain('closed');
  });
});
