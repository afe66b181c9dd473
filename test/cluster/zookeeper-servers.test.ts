/**
 * A cluster with ZooKeeper servers of its own (`odradek cluster --zookeeper-servers 3`): the one that leads is hurt in
 * every way there is, the other two go on without it, and it comes back when it is healed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import { type BrokerFaults, faultsAt } from '../kit/http/fault-client.ts';
import { ensembleLacks } from '../support/ensemble.ts';
import { modeOf } from '../support/ensemble-server.ts';
import { eventually } from '../support/eventually.ts';

const SERVERS = 3;
const WAIT_MS = 90_000;
/** Longer than any wait: what ends is what was healed. */
const FOR_MS = 120_000;

describe.skipIf(ensembleLacks() !== null)('a ZooKeeper server of three', () => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-servers-'));
  let cluster: LocalCluster;
  let faults: BrokerFaults;

  beforeAll(async () => {
    cluster = await LocalCluster.start({
      ...{ brokers: 1, basePort: 0, directory, zookeeper: null, zookeeperPort: 0, zookeeperServers: SERVERS },
      ...{ sessionTimeoutMs: 6000, startTimeoutMs: 90_000 },
      properties: { 'fault.api.enable': 'true' },
    });
    faults = faultsAt(`http://127.0.0.1:${cluster.broker(1).peerPort}`);
  }, 180_000);

  afterAll(async () => {
    await cluster?.abandon();
    rmSync(directory, { recursive: true, force: true });
  });

  afterEach(() => faults.healAll());

  /** `leader`, `follower`, or null where nobody answers, by server. */
  const modes = (): Promise<readonly (string | null)[]> =>
    Promise.all(
      cluster.zookeeperConnect.split(',').map((address) => {
        const [host = '', port] = address.split(':');
        return modeOf({ host, port: Number(port) });
      }),
    );

  /** Resolves with the number of the leader when so many answer, one of which leads. */
  async function untilAnswer(count: number): Promise<number> {
    let leader = 0;
    await eventually(
      `${count} servers answer, and one leads`,
      async () => {
        const now = await modes();
        leader = now.indexOf('leader') + 1;
        return now.filter((mode) => mode !== null).length === count && leader > 0;
      },
      WAIT_MS,
    );
    return leader;
  }

  it.each(['zookeeper-cut', 'zookeeper-pause', 'zookeeper-stop', 'zookeeper-kill'] as const)(
    'that leads is replaced, and comes back when it is healed: %s',
    async (fault) => {
      const server = await untilAnswer(SERVERS);
      const { id } = await faults.strike(fault, { server, forMs: FOR_MS });
      expect(await faults.list()).toMatchObject([{ id, fault, parameters: { server } }]);
      expect(await untilAnswer(SERVERS - 1)).not.toBe(server);
      expect((await modes())[server - 1]).toBeNull();
      await faults.healAll();
      expect(await faults.list()).toEqual([]);
      await untilAnswer(SERVERS);
    },
    180_000,
  );

  it('that is not there can not be hurt', async () => {
    await expect(faults.strike('zookeeper-cut', { server: 4 })).rejects.toThrow(
      'there is no ZooKeeper server 4: they are 1 to 3',
    );
  });
});
