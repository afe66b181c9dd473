/**
 * What is killed while customers are paid, with SIGKILL: a process of each application, the coordinator of a
 * transaction, the leader of a partition of payments, the controller. A strike is over when the cluster's
 * journals tell who has taken over, customers of every partition are paid again, and all replicas are in sync.
 */

import { partitionForKey } from '../../broker/java-hash.ts';
import type { ClusterEvent, EventKind, EventOf } from '../../broker/platform/cluster-events.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { TRANSACTION_STATE_TOPIC } from '../../broker/types.ts';
import { AdminClient, reasonOf } from '../cli/admin-client.ts';
import { say } from '../cluster/attended-cluster.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import type { Applications } from './applications.ts';
import { paymentsTopic, transactionalId } from './payments.ts';

const LIMIT_MS = 60_000;
const POLL_MS = 100;
/** FindCoordinator's type of key. */
const TRANSACTION = 1;
/** The partition whose payer and whose leader are struck. */
const PARTITION = 0;

export const STRIKES = ['application', 'coordinator', 'leader', 'controller'] as const;
export type Strike = (typeof STRIKES)[number];

interface Struck {
  readonly cluster: LocalCluster;
  readonly applications: readonly Applications[];
}

export async function strike(what: Strike, struck: Struck): Promise<void> {
  if (what === 'application') return killApplications(struck);
  const admin = new AdminClient(struck.cluster.bootstrapServers);
  try {
    if (what === 'coordinator') await killCoordinator(struck, admin);
    else if (what === 'leader') await killLeader(struck, admin);
    else await killController(struck, admin);
    await allInSync(admin);
  } finally {
    admin.close();
  }
}

async function killApplications({ applications }: Struck): Promise<void> {
  say('\nkill -9 of a process of each application, in the middle of its payments');
  await Promise.all(applications.map((each) => each.killInTheMiddle(LIMIT_MS)));
  await payAgain(applications, Date.now());
}

async function killCoordinator(struck: Struck, admin: AdminClient): Promise<void> {
  const id = transactionalId(PARTITION);
  const victim = await coordinatorOf(admin, id);
  say(`\nkill -9 of broker ${victim}, the coordinator of the transactions of ${id}`);
  const { topics } = await admin.metadata([TRANSACTION_STATE_TOPIC]);
  const statePartition = partitionForKey(id, topics[0]?.partitions.length ?? 0);
  await killBroker(struck, victim, 'transactions-loaded', {
    isIt: ({ partition }) => partition === statePartition,
    words: ({ ids, resumed, tookMs }, heir) =>
      `broker ${heir} coordinates them: ${ids} ids read in ${tookMs.toFixed(0)} ms, ${resumed} decided ends resumed`,
  });
}

async function killLeader(struck: Struck, admin: AdminClient): Promise<void> {
  const topic = paymentsTopic('exactly-once');
  const { topics } = await admin.metadata([topic]);
  const found = topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === PARTITION);
  const victim = found?.leaderId ?? -1;
  say(`\nkill -9 of broker ${victim}, the leader of ${topic}-${PARTITION}`);
  await killBroker(struck, victim, 'leader-moved', {
    isIt: (event) => event.topic === topic && event.partition === PARTITION,
    words: ({ to, leaderEpoch }) => `broker ${to} leads it, in epoch ${leaderEpoch}`,
  });
}

async function killController(struck: Struck, admin: AdminClient): Promise<void> {
  const { controllerId } = await admin.metadata([]);
  say(`\nkill -9 of broker ${controllerId}, the controller`);
  await killBroker(struck, controllerId, 'failover-finished', {
    isIt: () => true,
    words: ({ totalMs, partitionsMoved }, heir) =>
      `broker ${heir} is the controller; its failover took ${totalMs.toFixed(0)} ms, ${partitionsMoved} partitions changed`,
  });
}

interface Succession<Event extends ClusterEvent> {
  isIt(event: Event): boolean;
  /** Who has taken over, for the user. */
  words(event: Event, brokerId: number): string;
}

/** Kills, waits for the event of a living broker and for payments, and starts the dead one again. */
async function killBroker<Kind extends EventKind>(
  { cluster, applications }: Struck,
  victim: number,
  kind: Kind,
  { isIt, words }: Succession<EventOf<Kind>>,
): Promise<void> {
  const heirs = cluster.brokers.filter(({ id }) => id !== victim);
  const waits = heirs.map(({ id, child: { events } }) =>
    events
      .first(kind, isIt, { afterId: events.lastId, timeoutMs: LIMIT_MS })
      .then(({ event }) => words(event, id)),
  );
  const succeeded = Promise.any(waits);
  // The kill itself may fail first.
  succeeded.catch(() => {});
  const killedWallMs = Date.now();
  await cluster.broker(victim).child.kill();
  const payments = payAgain(applications, killedWallMs);
  payments.catch(() => {});
  say(`  ${await succeeded}`);
  await payments;
  await cluster.restart(victim);
}

async function payAgain(applications: readonly Applications[], sinceWallMs: number): Promise<void> {
  await Promise.all(applications.map((each) => each.everyPartitionPays(sinceWallMs, LIMIT_MS)));
  say(`  after ${Date.now() - sinceWallMs} ms customers of every partition are paid again`);
}

async function coordinatorOf(admin: AdminClient, id: string): Promise<number> {
  const metadata = await admin.metadata([]);
  const asked = { keyType: TRANSACTION, coordinatorKeys: [id] };
  const anyBroker = metadata.brokers[0]?.nodeId ?? -1;
  const { coordinators } = await admin.askBroker(anyBroker, metadata, FindCoordinator, asked);
  const [found] = coordinators;
  if (found === undefined) throw new Error(`nothing is known of the coordinator of ${id}`);
  if (found.errorCode !== 0) throw new Error(`the coordinator of ${id}: ${reasonOf(found)}`);
  return found.nodeId;
}

/** Until then the next strike could take the last replica that has everything. */
async function allInSync(admin: AdminClient): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  for (;;) {
    const { topics } = await admin.metadata(null);
    const partitions = topics.flatMap((topic) => topic.partitions);
    const behind = partitions.filter(
      ({ replicaNodes, isrNodes, leaderId }) => leaderId === -1 || isrNodes.length < replicaNodes.length,
    );
    if (behind.length === 0) return;
    if (performance.now() > deadlineMs)
      throw new Error(`${behind.length} partitions were not in sync within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
