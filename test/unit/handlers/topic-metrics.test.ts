/** Counters of topics, for as long as there are those topics. */
import { expect, it } from 'vitest';
import { TopicMetrics } from '../../../broker/handlers/shared/topic-metrics.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

it('the counters of a topic go when the topic goes, and begin at nothing when it comes back', async () => {
  const metadata = new MetadataCache(new SimulatedClock());
  const metrics = createMetrics();
  const counting = new TopicMetrics(metrics, metadata);
  const tell = (topic: string, leader: number): void => {
    metadata.apply({
      type: 'UpdateMetadata',
      controllerId: 1,
      controllerEpoch: 1,
      brokerEpoch: 1,
      topicIds: [],
      partitions: [
        {
          topic,
          partition: 0,
          controllerEpoch: 1,
          leader,
          leaderEpoch: 0,
          isr: [1],
          partitionEpoch: 0,
          replicas: [1],
          offlineReplicas: [],
        },
      ],
      liveBrokers: [],
    });
  };
  for (const topic of ['stays', 'goes']) {
    tell(topic, 1);
    counting.topic(topic).bytesIn.add(7);
  }
  tell('goes', -2);
  const text = await metrics.render();
  expect(text).toContain('topic="stays"');
  expect(text).not.toContain('topic="goes"');
  tell('goes', 1);
  expect(counting.topic('goes').bytesIn.value).toBe(0);
});
