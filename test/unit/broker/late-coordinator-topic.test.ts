/** A coordinator's topic that another broker makes, of another size than is set here, while this one starts. */
import { expect, it } from 'vitest';
import { Broker } from '../../../broker/broker.ts';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { FindCoordinator } from '../../../broker/protocol/messages/10-find-coordinator.ts';
import { GROUP_METADATA_TOPIC } from '../../../broker/types.ts';
import { World } from '../../support/world.ts';

const HOST = 'broker1';
const PORT = 9092;
const ROUND_TRIP_MS = 100;
/** By then it has registered. */
const ROUND_TRIPS = 8;
const SET = 50;
const MADE = 2;
const GROUPS = Array.from({ length: 20 }, (_, number) => `group ${number}`);

it.each(Array.from({ length: ROUND_TRIPS }, (_, at) => at))(
  'is known by its size, made after %i answers of ZooKeeper',
  async (answers) => {
    expect(GROUPS.some((group) => partitionForKey(group, SET) >= MADE)).toBe(true);
    const world = new World();
    const properties = {
      'broker.id': '1',
      'zookeeper.connect': 'tree:2181',
      'log.dirs': '/data',
      listeners: `PLAINTEXT://${HOST}:${PORT}`,
      'peer.listener': `PEER://${HOST}:9093`,
      'offsets.topic.num.partitions': String(SET),
    };
    const broker = new Broker({
      config: brokerConfig(new Map(Object.entries(properties))),
      platform: world.platform(HOST),
      coordinators: world.source({ delayMs: ROUND_TRIP_MS / 2 }),
      hostName: HOST,
    });
    const store = await world.store();
    const started = broker.start();
    await world.pass(answers * ROUND_TRIP_MS + 1);
    const replicas = { replicas: [1], addingReplicas: [], removingReplicas: [] };
    const partitions = new Map(Array.from({ length: MADE }, (_, partition) => [partition, replicas]));
    await world.settled(store.topics.create(GROUP_METADATA_TOPIC, { topicId: null, partitions }, new Map()));
    await world.settled(started);
    await world.pass(10 * ROUND_TRIP_MS);
    const { sockets } = world.platform('client');
    const target = { host: HOST, port: PORT, clientId: 'client', timeoutMs: 1000 };
    const connection = await world.settled(KafkaConnection.connect(sockets, target));
    const asked = connection.request(FindCoordinator, { keyType: 0, coordinatorKeys: GROUPS });
    const { coordinators } = await world.settled(asked);
    expect(coordinators.map(({ errorCode }) => errorCode)).toEqual(GROUPS.map(() => ErrorCode.NONE));
    connection.close();
    await world.settled(broker.shutdown());
  },
);
