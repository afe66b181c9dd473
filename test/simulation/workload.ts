/** The clients of one run: four kinds of producers, consumers of a group, an operator. */
import type { Clock } from '../../broker/platform/clock.ts';
import { ClusterClient } from './cluster-client.ts';
import type { History } from './history.ts';
import { SimulatedAdmin } from './simulated-admin.ts';
import { CLIENT_PORT, type SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedConsumer } from './simulated-consumer.ts';
import { SimulatedProducer } from './simulated-producer.ts';

export const TOPIC = 'orders';
export const PARTITIONS = 2;
const GROUP = 'readers';
const REQUEST_TIMEOUT_MS = 2500;

const PRODUCERS = [
  { name: 'idempotent', acks: -1, inFlight: 1, idempotent: true, pauseMs: 150 },
  { name: 'pipelined', acks: -1, inFlight: 3, idempotent: true, pauseMs: 90 },
  { name: 'careful', acks: -1, inFlight: 1, idempotent: false, pauseMs: 150 },
  { name: 'hasty', acks: 1, inFlight: 1, idempotent: false, pauseMs: 200 },
] as const;

export class Workload {
  readonly producers: readonly SimulatedProducer[];
  readonly consumers: readonly SimulatedConsumer[];
  readonly admin: SimulatedAdmin;
  readonly client: ClusterClient;

  constructor(cluster: SimulatedCluster, history: History) {
    this.client = newClient(cluster, cluster.clock, 'workload');
    const { client } = this;
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    this.producers = PRODUCERS.flatMap((kind) =>
      partitions.map(
        (partition) =>
          new SimulatedProducer({
            ...kind,
            client,
            history,
            random: cluster.fork(),
            topic: TOPIC,
            partition,
          }),
      ),
    );
    this.consumers = partitions.map(
      (partition) => new SimulatedConsumer({ client, history, group: GROUP, topic: TOPIC, partition }),
    );
    this.admin = new SimulatedAdmin({ client, history, random: cluster.fork() });
  }

  start(): void {
    for (const producer of this.producers) producer.start();
    for (const consumer of this.consumers) consumer.start();
    this.admin.start();
  }

  /** Nothing new is asked for; what is outstanding and what is unread is still pursued. */
  stopProducing(): void {
    for (const producer of this.producers) producer.stop();
    for (const consumer of this.consumers) consumer.stopCommitting();
    this.admin.stop();
  }

  stop(): void {
    for (const consumer of this.consumers) consumer.stop();
    this.client.close();
  }
}

function newClient(cluster: SimulatedCluster, clock: Clock, clientId: string): ClusterClient {
  return new ClusterClient({
    clock,
    sockets: cluster.clientSockets,
    clientId,
    bootstrap: cluster.machines.map(({ host }) => ({ host, port: CLIENT_PORT })),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
}
