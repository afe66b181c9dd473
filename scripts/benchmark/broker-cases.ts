/** Cases about the brokers themselves: start-up, memory, and the latency of single records. */
import type { BenchmarkCase, Metric } from './case.ts';
import { group, withTopic } from './throughput-cases.ts';

const lower = (name: string, unit: string): Metric => ({ name, unit, better: 'lower' });
const LATENCY_RECORDS = 4000;
const LATENCY_BYTES = 100;

export function startCase(brokers: number): BenchmarkCase {
  return {
    name: `start-${brokers}`,
    title: `from process start to the first acknowledged produce, ${group(brokers)}`,
    group: group(brokers),
    brokers,
    needs: null,
    metrics: { firstAcknowledged: lower('first ack', 'ms') },
    run: (stage) => Promise.resolve({ firstAcknowledged: stage.started.firstAcknowledgedMs }),
  };
}

/** Last in its group: the peak is that of everything before it. */
export function memoryCase(brokers: number): BenchmarkCase {
  return {
    name: `memory-${brokers}`,
    title: `memory and idle CPU, ${group(brokers)} together`,
    group: group(brokers),
    brokers,
    needs: null,
    metrics: {
      idle: lower('idle RSS', 'MiB'),
      peak: lower('peak RSS', 'MiB'),
      idleCpu: lower('idle CPU', 'ms/s'),
    },
    run: (stage) =>
      Promise.resolve({
        idle: stage.started.idleMib,
        peak: stage.peakMib(),
        idleCpu: stage.started.idleCpuMs,
      }),
  };
}

export function latencyCase(brokers: number): BenchmarkCase {
  const acks = brokers === 1 ? '1' : 'all';
  return {
    name: `latency-${brokers}`,
    title: `one ${LATENCY_BYTES} B record at a time to a waiting consumer, acks=${acks}, ${group(brokers)}`,
    group: group(brokers),
    brokers,
    needs: 'java',
    metrics: {
      ackP50: lower('ack p50', 'ms'),
      p50: lower('end to end p50', 'ms'),
      p99: lower('end to end p99', 'ms'),
      p999: lower('end to end p99.9', 'ms'),
    },
    run: (stage) =>
      withTopic(stage, { partitions: 1 }, async (topic) => {
        const { bootstrapServers, latencyClient } = stage;
        if (latencyClient === null) throw new Error('there is no latency client');
        const records = stage.givenRecords ?? Math.round(LATENCY_RECORDS * stage.share);
        const recordSizeBytes = stage.recordSizeBytes ?? LATENCY_BYTES;
        const load = { bootstrapServers, topic, records, acks, recordSizeBytes };
        const { ack, endToEnd } = await latencyClient.latency(load);
        return { ackP50: ack.p50, p50: endToEnd.p50, p99: endToEnd.p99, p999: endToEnd.p999 };
      }),
  };
}
