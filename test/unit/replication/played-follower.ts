/** A follower that the test plays, message by message, and a leader for it. */
import type { Channel } from '../../../broker/platform/channels.ts';
import {
  decodeLeaderMessage,
  encodeFollowerMessage,
  type FollowerMessage,
  type LeaderMessage,
} from '../../../broker/replication/stream/stream-messages.ts';
import { ReplicationCluster, TOPIC, TOPIC_ID } from './cluster-kit.ts';

/** A follower played by the test, on an authenticated channel to broker 1. */
export async function playedFollower(cluster: ReplicationCluster, credit: number) {
  const heard: LeaderMessage[] = [];
  const info = cluster.infos.get(1);
  if (info === undefined) throw new Error();
  const opening = cluster.node(2).peers.openStream(info, 1000);
  const channel: Channel = await cluster.clock.runUntilSettled(opening, 5000);
  const epoch = cluster.infos.get(2)?.epoch ?? 0;
  channel.onMessage((message) => heard.push(decodeLeaderMessage(Buffer.from(message))));
  const say = async (message: FollowerMessage): Promise<void> => {
    channel.send(encodeFollowerMessage(message));
    await cluster.clock.runFor(20);
  };
  await say({ type: 'open', epoch, credit });
  const subscribe = (id: number, partition: number, endOffset = 0, leaderEpoch = 0): Promise<void> => {
    const item = {
      id,
      topic: TOPIC,
      partition,
      topicId: TOPIC_ID,
      leaderEpoch,
      endOffset,
      lastEpoch: -1,
      startOffset: 0,
    };
    return say({ type: 'subscribe', epoch, items: [item] });
  };
  const recordBytes = (): number =>
    heard.reduce(
      (total, said) =>
        total + (said.type === 'records' ? said.items.reduce((sum, { bytes }) => sum + bytes.length, 0) : 0),
      0,
    );
  return { channel, heard, say, subscribe, recordBytes, epoch };
}

/** Partitions that broker 1 leads, with broker 2 a replica that does not follow by itself. */
export async function leaderOnly(count: number, config = {}): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start({ brokers: 2, config });
  for (let partition = 0; partition < count; partition++) {
    const truth = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1, 2] };
    cluster.truths.set(partition, truth);
    cluster.tell(partition, { isNew: true, only: [1] });
  }
  return cluster;
}
