/** ZooKeeper's own faults. */
import { SERVERS, SESSION_TIMEOUT_MS } from '../cluster/tormented-cluster.ts';
import { about, NotAsExpected, type Scenario, type Stage, wait } from './scenario.ts';

const SERVER_DOWN_MS = 1500;

export const ZOOKEEPER_FAULTS: readonly Scenario[] = [
  {
    name: 'zookeeper-leader-killed',
    title: "ZooKeeper's leader is killed (-9), and is started again",
    needs: 'ensemble',
    run: killLeadingServer,
  },
  {
    name: 'zookeeper-quorum-lost',
    title: 'two servers of three stand still for longer than a session, and come back',
    needs: 'ensemble',
    run: loseQuorum,
  },
];

async function killLeadingServer(stage: Stage): Promise<void> {
  const server = (await stage.cluster.ensemble?.leader()) ?? 0;
  if (server === 0) throw new NotAsExpected('no server of ZooKeeper leads');
  stage.mark(`kill -9 of ZooKeeper ${server}, which leads`);
  await stage.cluster.killServer(server);
  await wait(about(SERVER_DOWN_MS, stage.random));
  await stage.everyoneGoesOn();
}

/** Sessions stand still without a quorum: none may expire. */
async function loseQuorum(stage: Stage): Promise<void> {
  const spared = 1 + stage.random.int(SERVERS);
  stage.mark(`ZooKeeper stands still, but for server ${spared}`);
  for (let server = 1; server <= SERVERS; server++) if (server !== spared) stage.cluster.pauseServer(server);
  await wait(about(2 * SESSION_TIMEOUT_MS, stage.random));
  stage.mark('ZooKeeper goes on');
}
