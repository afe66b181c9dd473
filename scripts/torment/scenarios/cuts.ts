/** Links that fall silent while everybody lives. */
import { SESSION_TIMEOUT_MS } from '../cluster/tormented-cluster.ts';
import { about, expectSoon, othersThan, type Scenario, type Stage, wait } from './scenario.ts';

/** Long enough for the leader to leave its followers out, who are not heard of (replica.lag.time.max.ms). */
const LAG_MS = 6000;
const ZOMBIE_MS = 1500;

export const CUTS: readonly Scenario[] = [
  {
    name: 'cut-leader-from-zookeeper',
    title: 'the leader loses ZooKeeper alone, and is replaced while its clients and followers still reach it',
    run: cutLeaderFromZookeeper,
  },
  {
    name: 'cut-leader-from-followers',
    title: 'the leader loses its followers alone: ZooKeeper and its clients still reach it',
    needs: 'cuts',
    run: (stage) => cutLeaderFromFollowers(stage, 'both'),
  },
  {
    name: 'cut-leader-one-way',
    title: 'what the leader sends to its followers is lost, what they send to it arrives',
    needs: 'cuts',
    run: (stage) => cutLeaderFromFollowers(stage, 'one'),
  },
  {
    name: 'session-expiry',
    title: 'all brokers lose ZooKeeper at once, until every session has expired',
    run: sessionExpiry,
  },
];

async function cutLeaderFromZookeeper(stage: Stage): Promise<void> {
  const leader = await stage.leader();
  stage.mark(`broker ${leader}, the leader, is cut from ZooKeeper`);
  stage.cluster.network.cutFromZookeeper(leader);
  await expectSoon(`another leader than broker ${leader}`, async () => {
    const [other] = othersThan(leader, stage.cluster);
    const seen = other === undefined ? null : await stage.cluster.seenBy(other.id, []);
    return seen?.brokers.every(({ nodeId }) => nodeId !== leader) === true;
  });
  await wait(about(ZOMBIE_MS, stage.random));
  stage.mark('the cut is healed');
}

async function cutLeaderFromFollowers(stage: Stage, directions: 'one' | 'both'): Promise<void> {
  const { network } = stage.cluster;
  const leader = await stage.leader();
  const way =
    directions === 'both' ? 'from its followers' : 'from its followers one way: what it sends is lost';
  stage.mark(`broker ${leader}, the leader, is cut ${way}`);
  for (const { id } of othersThan(leader, stage.cluster)) {
    network.cutOneWay(leader, id);
    if (directions === 'both') network.cutOneWay(id, leader);
  }
  await wait(about(LAG_MS, stage.random));
  stage.mark('the cut is healed');
}

async function sessionExpiry(stage: Stage): Promise<void> {
  const { cluster } = stage;
  stage.mark('all brokers are cut from ZooKeeper');
  for (const { id } of cluster.brokers) cluster.network.cutFromZookeeper(id);
  await wait(about(2 * SESSION_TIMEOUT_MS, stage.random));
  stage.mark('the cuts are healed');
}
