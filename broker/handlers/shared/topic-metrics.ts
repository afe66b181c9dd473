/**
 * Kafka's BrokerTopicMetrics: what clients write to and read from each topic. A topic's counters are
 * looked up once and then counted by plain numbers, for this is on the hot path. They go with the topic.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import type { Counter, Metrics } from '../../platform/metrics.ts';
import type { ClientErrors } from './client-errors.ts';

interface TopicCounters {
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  readonly produceRequests: Counter;
  readonly fetchRequests: Counter;
  readonly failedProduceRequests: Counter;
  readonly failedFetchRequests: Counter;
}

export class TopicMetrics {
  readonly #metrics: Metrics;
  /** Told of what is refused, where there is a journal. */
  readonly errors: ClientErrors | null;
  /** Of topics that were written to or read from and are in the metadata. */
  readonly #byTopic = new Map<string, TopicCounters>();

  /** Topics in the last image: a smaller one has lost some. */
  #topicCount = 0;

  constructor(
    metrics: Metrics,
    metadata: { onChange(changed: (image: Pick<MetadataImage, 'topics'>) => void): unknown },
    errors: ClientErrors | null = null,
  ) {
    this.errors = errors;
    this.#metrics = metrics;
    metadata.onChange(({ topics }) => {
      const mayHaveLost = topics.size < this.#topicCount || topics.size < this.#byTopic.size;
      this.#topicCount = topics.size;
      if (mayHaveLost) this.#forgetAllBut(topics);
    });
  }

  /** Only for topics that exist: names that clients invent must not become time series. */
  topic(name: string): TopicCounters {
    let counters = this.#byTopic.get(name);
    if (counters === undefined) {
      counters = this.#create(name);
      this.#byTopic.set(name, counters);
    }
    return counters;
  }

  #forgetAllBut(topics: ReadonlyMap<string, unknown>): void {
    const gone = new Set<string>();
    for (const topic of this.#byTopic.keys()) if (!topics.has(topic)) gone.add(topic);
    if (gone.size === 0) return;
    for (const topic of gone) this.#byTopic.delete(topic);
    this.#metrics.forgetCounters('topic', gone);
  }

  #create(topic: string): TopicCounters {
    const counter = (name: string, help: string): Counter =>
      this.#metrics.counter(`kafka_server_brokertopicmetrics_${name}_total`, help, { topic });
    return {
      bytesIn: counter('bytesin', 'Record bytes that clients produced'),
      bytesOut: counter('bytesout', 'Record bytes that clients fetched'),
      produceRequests: counter('totalproducerequests', 'Partitions named in Produce requests'),
      fetchRequests: counter('totalfetchrequests', 'Partitions named in Fetch requests'),
      failedProduceRequests: counter('failedproducerequests', 'Partitions a Produce request failed for'),
      failedFetchRequests: counter('failedfetchrequests', 'Partitions a Fetch request failed for'),
    };
  }
}
