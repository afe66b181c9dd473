/** Counters of topics, for as long as there are those topics. */

import { expect, it } from 'vitest';
import { TopicMetrics } from '../../../broker/handlers/shared/topic-metrics.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { metadataDelta } from '../../support/metadata-deltas.ts';
import { World } from '../../support/world.ts';

it('the counters of a topic go when the topic goes, and begin at nothing when it comes back', async () => {
  const metadata = new MetadataCache(new World().clock);
  const metrics = createMetrics();
  const counting = new TopicMetrics(metrics, metadata);
  const state = {
    partition: 0,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 0,
    isr: [1],
    partitionEpoch: 0,
    replicas: [1],
    offlineReplicas: [],
  };
  for (const topic of ['stays', 'goes']) {
    metadata.apply(metadataDelta({ partitions: [{ topic, ...state }] }));
    counting.topic(topic).bytesIn.add(7);
  }
  metadata.apply(metadataDelta({ removed: [{ topic: 'goes', partition: 0, replicas: [1] }] }));
  const text = await metrics.render();
  expect(text).toContain('topic="stays"');
  expect(text).not.toContain('topic="goes"');
  metadata.apply(metadataDelta({ partitions: [{ topic: 'goes', ...state }] }));
  expect(counting.topic('goes').bytesIn.value).toBe(0);
});
