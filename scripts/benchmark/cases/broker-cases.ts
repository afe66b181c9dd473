/** Cases about the brokers themselves: start-up and memory. */
import type { StagedCase } from '../case.ts';
import { group, lower } from './traffic.ts';

export function startCase(brokers: number): StagedCase {
  return {
    name: `start-${brokers}`,
    title: `from process start to the first acknowledged produce, ${group(brokers)}, ZooKeeper already runs`,
    group: group(brokers),
    brokers,
    needs: null,
    metrics: { firstAcknowledged: lower('first ack', 'ms') },
    run: (stage) => Promise.resolve({ firstAcknowledged: stage.started.firstAcknowledgedMs }),
  };
}

/** Last in its group: the peak is that of everything before it. */
export function memoryCase(brokers: number): StagedCase {
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
    idle: true,
    run({ started: { idle }, peakMib }) {
      if (idle === null) throw new Error('the idle cluster was not looked at');
      return Promise.resolve({ idle: idle.mib, peak: peakMib(), idleCpu: idle.cpuMs });
    },
  };
}
