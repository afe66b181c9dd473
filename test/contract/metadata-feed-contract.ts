/**
 * The contract of broker/metadata/metadata-feed.ts, sentence by sentence, for every implementation: what a
 * controller says reaches the parts of a broker through this feed and the publisher as if there were nothing
 * in between. A suite calls it with a way to make a feed and a controller that feeds it.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { metadataDelta, replicaDelta } from '../support/metadata-deltas.ts';
import {
  broker,
  LISTENER,
  Listener,
  type MakeFeedBench,
  type Office,
  partition,
  replica,
} from './feed-bench.ts';

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
/** Registrations of the listener, one after the other. */
const [FORMER, PRESENT] = [100, 200];

interface FeedTraits {
  /** News name the registration they are meant for. Those of a log are for whoever reads it. */
  readonly addressed: boolean;
}

export function metadataFeedContract(name: string, makeBench: MakeFeedBench, traits: FeedTraits): void {
  describe(`the contract of metadata feeds, ${name}`, () => {
    describeFence(makeBench, traits);
    describePicture(makeBench);
    describeReplicas(makeBench);
  });
}

function describeFence(makeBench: MakeFeedBench, { addressed }: FeedTraits): void {
  describe('what is published is fenced first:', () => {
    let listener: Listener;
    beforeEach(async () => {
      listener = await Listener.start(makeBench);
    });
    const order = { replicas: replicaDelta(LISTENER, [replica('t', { leader: LISTENER })]) };
    const picture = { metadata: metadataDelta({ brokers: [broker(1)], onlyTopics: [] }) };

    it('nothing is published before this broker has registered, and then what was said meanwhile', async () => {
      const office = await listener.elect(1);
      const saying = [picture, order].map((said) => listener.say(office, said));
      await listener.idle();
      expect([listener.heard(), listener.metadata.image.brokers.size]).toEqual([[], 0]);
      listener.register(PRESENT);
      await listener.soon(Promise.all(saying));
      expect(listener.heard()).toEqual(['image', 'load configs of t', 'lead t-0 in epoch 0']);
    });

    it.runIf(addressed)('an order to a former incarnation changes nothing', async () => {
      const office = await listener.elect(1);
      listener.register(PRESENT);
      await listener.told(office, { ...picture, brokerEpoch: FORMER });
      await listener.told(office, { ...order, brokerEpoch: FORMER });
      expect(listener.heard().filter((what) => what !== 'load configs of t')).toEqual([]);
      expect(listener.metadata.image.complete).toBe(false);
      await listener.told(office, { ...order, brokerEpoch: PRESENT });
      expect(listener.heard()).toContain('lead t-0 in epoch 0');
    });

    it('a controller that has lost the office is not heard any more', async () => {
      listener.register(PRESENT);
      const first = await listener.elect(1);
      await listener.told(await listener.elect(3), picture);
      listener.heard();
      await listener.told(first, order);
      await listener.told(first, { metadata: metadataDelta({ partitions: [partition('late')] }) });
      expect(listener.heard()).toEqual([]);
      expect(listener.metadata.topic('late')).toBeUndefined();
    });

    it('a controller that loses the office while configs are read is not obeyed', async () => {
      listener.register(PRESENT);
      const first = await listener.elect(1);
      const unblock = listener.blockConfigs();
      const saying = listener.say(first, order);
      await listener.idle();
      const next = listener.say(await listener.elect(3), picture);
      await listener.idle();
      unblock();
      await listener.soon(Promise.all([saying, next]));
      const heard = listener.heard();
      expect(heard).toContain('image');
      // A feed that publishes one delta after the other has obeyed the first while it was in office.
      expect(heard.slice(heard.indexOf('image') + 1)).toEqual([]);
    });

    it('who was never in office is not heard, and keeps nobody from being heard', async () => {
      listener.register(PRESENT);
      const office = await listener.elect(1);
      for (const controllerEpoch of [office.controllerEpoch, 2 ** 31 - 1]) {
        await listener.told({ controllerId: 4, controllerEpoch }, picture);
        await listener.told({ controllerId: 4, controllerEpoch }, order);
      }
      expect(listener.heard()).toEqual([]);
      await listener.told(office, order);
      expect(listener.heard()).toEqual(['load configs of t', 'lead t-0 in epoch 0']);
    });
  });
}

function describePicture(makeBench: MakeFeedBench): void {
  describe('the picture of the cluster', () => {
    let listener: Listener;
    let office: Office;
    const tell = (told: Parameters<typeof metadataDelta>[0]): Promise<void> =>
      listener.told(office, { metadata: metadataDelta({ brokers: [broker(1), broker(2)], ...told }) });
    beforeEach(async () => {
      listener = await Listener.start(makeBench);
      listener.register(PRESENT);
      office = await listener.elect(1);
    });

    it('is what was said: the controller, the brokers, topics with their ids and partitions', async () => {
      const state = { leader: 2, leaderEpoch: 7, partitionEpoch: 8, isr: [2], offlineReplicas: [1] };
      await tell({ partitions: [partition('t'), partition('t', 1, state)], topicIds: [['t', ID]] });
      const { image } = listener.metadata;
      expect([image.controllerId, [...image.brokers.values()]]).toEqual([1, [broker(1), broker(2)]]);
      expect([listener.metadata.topicId('t'), listener.metadata.topicName(ID)]).toEqual([ID, 't']);
      const { topic: _, ...second } = partition('t', 1, state);
      expect(listener.metadata.partition('t', 1)).toEqual(second);
    });

    it('is complete only with the word on all topics there are, and stays so', async () => {
      await tell({});
      await tell({ partitions: [partition('t')] });
      expect(listener.metadata.image.complete).toBe(false);
      await tell({ partitions: [partition('u')], onlyTopics: ['t', 'u'] });
      expect(listener.metadata.image.complete).toBe(true);
      await tell({});
      expect(listener.metadata.image.complete).toBe(true);
    });

    it('keeps what is not spoken of, and is of what was said last', async () => {
      await tell({ partitions: [partition('t'), partition('u')] });
      const saying = [1, 2, 3].map((leaderEpoch) =>
        listener.say(office, {
          metadata: metadataDelta({ partitions: [partition('t', 0, { leaderEpoch })] }),
        }),
      );
      await listener.soon(Promise.all(saying));
      expect(listener.metadata.partition('t', 0)?.leaderEpoch).toBe(3);
      expect(listener.metadata.partition('u', 0)?.leaderEpoch).toBe(0);
    });

    it('takes another id under the same name for another topic', async () => {
      await tell({ partitions: [partition('t'), partition('t', 1)], topicIds: [['t', ID]] });
      await tell({ partitions: [partition('t')], topicIds: [['t', OTHER_ID]] });
      expect([...(listener.metadata.topic('t')?.partitions.keys() ?? [])]).toEqual([0]);
      expect(listener.metadata.topicName(ID)).toBeUndefined();
    });

    it('loses deleted topics, and with the last partition of each its configs and offsets', async () => {
      const removed = (topic: string, number: number) => ({ topic, partition: number, replicas: [1, 2] });
      await tell({ partitions: [partition('t'), partition('t', 1), partition('u')] });
      listener.heard();
      await tell({ removed: [removed('t', 0)] });
      expect(listener.heard()).toEqual(['image', 'forget offsets of t-0']);
      await tell({ removed: [removed('t', 1)] });
      expect(listener.heard()).toEqual(['image', 'forget configs of t', 'forget offsets of t-1']);
      expect([...listener.metadata.image.topics.keys()]).toEqual(['u']);
    });

    it('loses topics that are not among all there are, those whose deletion was missed', async () => {
      await tell({ partitions: [partition('missed'), partition('t')] });
      listener.heard();
      await tell({ partitions: [partition('u')], onlyTopics: ['t', 'u', 'still to be told'] });
      expect(listener.heard()).toEqual(['image', 'forget configs of missed', 'forget offsets of missed-0']);
      expect([...listener.metadata.image.topics.keys()].sort()).toEqual(['t', 'u']);
    });

    it('has the live brokers only; connections to others, and to former incarnations, are dropped', async () => {
      await tell({ brokers: [broker(1), broker(2), broker(3)] });
      listener.heard();
      await tell({ brokers: [broker(1), broker(3, 2)] });
      expect(listener.heard()).toEqual(['image', 'forget broker 2', 'forget broker 3']);
      expect([...listener.metadata.image.brokers.keys()]).toEqual([1, 3]);
    });
  });
}

function describeReplicas(makeBench: MakeFeedBench): void {
  describe('replicas here', () => {
    let listener: Listener;
    let office: Office;
    beforeEach(async () => {
      listener = await Listener.start(makeBench);
      listener.register(PRESENT);
      office = await listener.elect(1);
    });

    it('hear what to lead, to follow, to stop and to delete, with the epochs, once configs are known', async () => {
      const states = [replica('t', { leader: LISTENER, leaderEpoch: 4 }), replica('u', { leaderEpoch: 5 })];
      const stop = [
        { topic: 'v', partition: 0, leaderEpoch: 6, deletePartition: false },
        { topic: 'w', partition: 0, leaderEpoch: -2, deletePartition: true },
      ];
      const unblock = listener.blockConfigs();
      const saying = listener.say(office, { replicas: { ...replicaDelta(LISTENER, states), stop } });
      await listener.idle();
      const before = listener.heard();
      expect(before[0]).toMatch(/^load configs of t/);
      expect(before.filter((what) => !what.startsWith('load'))).toEqual([]);
      unblock();
      await listener.soon(saying);
      expect(listener.heard().filter((what) => !what.startsWith('load'))).toEqual([
        'lead t-0 in epoch 4',
        'follow 1 in u-0 in epoch 5',
        'stop v-0 in epoch 6',
        'delete w-0 in epoch -2',
      ]);
    });

    it('follow nobody where nobody leads', async () => {
      await listener.told(office, { replicas: replicaDelta(LISTENER, [replica('t', { leader: -1 })]) });
      expect(listener.heard()).toContain('follow -1 in t-0 in epoch 0');
    });

    it('find in the picture who was said to be alive before them', async () => {
      const metadata = metadataDelta({ brokers: [broker(1), broker(2)], partitions: [partition('t')] });
      await listener.told(office, { metadata, replicas: replicaDelta(LISTENER, [replica('t')]) });
      const heard = listener.heard();
      expect(heard.indexOf('image')).toBeLessThan(heard.indexOf('follow 1 in t-0 in epoch 0'));
      expect(heard).toContain('image');
    });
  });
}
