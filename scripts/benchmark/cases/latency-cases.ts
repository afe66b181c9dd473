/** The latency of single records, end to end: one at a time, and at a fixed rate that nothing slows down. */
import type { Stage, StagedCase, Values } from '../case.ts';
import type { Latencies, LatencyLoad } from '../loads.ts';
import { acksOf, group, lower, probesOf, withTopic } from './traffic.ts';

const RECORDS = 4000;
const FEW_RECORDS = 500;
const RECORD_BYTES = 100;
const RATE_PER_SECOND = 1000;
const RATE_SECONDS = 15;
const RATE_WARM_UP_SECONDS = 4;

const METRICS = {
  ackP50: lower('ack p50', 'ms'),
  ackP99: lower('ack p99', 'ms'),
  ackP999: lower('ack p99.9', 'ms'),
  p50: lower('end to end p50', 'ms'),
  p99: lower('end to end p99', 'ms'),
  p999: lower('end to end p99.9', 'ms'),
};

/** As Kafka's EndToEndLatency measures it. */
export function latencyCase(brokers: number): StagedCase {
  const acks = acksOf(brokers);
  const name = `latency-${brokers}`;
  return {
    name,
    title: `one ${RECORD_BYTES} B record at a time to a waiting consumer, acks=${acks}, ${group(brokers)}`,
    ...{ group: group(brokers), brokers, needs: 'javac', metrics: METRICS },
    run: (stage) =>
      withTopic(stage, { partitions: 1 }, async (topic) => {
        const client = probesOf(stage);
        const records = await stage.plan.records(name, RECORDS, async () => {
          const { endToEnd } = await client.latency(loadOf(stage, topic, FEW_RECORDS));
          return 1000 / endToEnd.p50;
        });
        return values(await client.latency(loadOf(stage, topic, records)));
      }),
  };
}

/** Open loop: what a stall holds up is counted from the moment when it was due, not when it could be sent. */
export function rateCase(brokers: number): StagedCase {
  const name = `rate-${brokers}`;
  return {
    name,
    title: `${RATE_PER_SECOND} records of ${RECORD_BYTES} B per second, latency since each was due, acks=${acksOf(brokers)}, ${group(brokers)}`,
    ...{ group: group(brokers), brokers, needs: 'javac', metrics: METRICS },
    run: (stage) =>
      withTopic(stage, { partitions: 1 }, async (topic) => {
        const usual = RATE_PER_SECOND * RATE_SECONDS;
        const records = await stage.plan.records(name, usual, () => Promise.resolve(RATE_PER_SECOND));
        return values(
          await probesOf(stage).atRate({
            ...loadOf(stage, topic, records),
            recordsPerSecond: RATE_PER_SECOND,
            warmUpRecords: RATE_PER_SECOND * RATE_WARM_UP_SECONDS,
          }),
        );
      }),
  };
}

function loadOf(stage: Stage, topic: string, records: number): LatencyLoad {
  const { bootstrapServers, plan, brokers } = stage;
  return {
    bootstrapServers,
    topic,
    records,
    acks: acksOf(brokers),
    recordSizeBytes: plan.sizeBytes(RECORD_BYTES),
  };
}

function values({ ack, endToEnd }: { ack: Latencies; endToEnd: Latencies }): Values {
  const [ackP50, ackP99, ackP999] = [ack.p50, ack.p99, ack.p999];
  return { ackP50, ackP99, ackP999, p50: endToEnd.p50, p99: endToEnd.p99, p999: endToEnd.p999 };
}
