/** A consumer far behind, which reads what the page cache has forgotten, beside one that reads what is written now. */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Stage, StagedCase } from '../case.ts';
import {
  clientOf,
  consumption,
  group,
  lower,
  probesOf,
  send,
  usualRecords,
  type Variant,
  withTopic,
} from './traffic.ts';

const TAIL = { perSecond: 1000, seconds: 15, warmUpSeconds: 4, recordBytes: 100 };

export function coldAndTailCase(): StagedCase {
  const variant: Variant = { client: 'c', brokers: 1, sizeBytes: 1024, partitions: 4, compression: 'none' };
  const name = 'cold-and-tail';
  return {
    name,
    title: `${TAIL.perSecond} records of ${TAIL.recordBytes} B per second to a waiting consumer, while another reads old records from the disk`,
    ...{ group: group(1), brokers: 1, needs: 'javac' },
    metrics: {
      p50: lower('tail p50', 'ms'),
      p99: lower('tail p99', 'ms'),
      p999: lower('tail p99.9', 'ms'),
      behind: { name: 'the one behind', unit: 'MB/s', better: 'higher' },
    },
    run: (stage) =>
      withTopic(stage, variant, (old) =>
        withTopic(stage, { partitions: 1 }, async (topic) => {
          const usual = usualRecords(stage.plan, variant);
          const records = await stage.plan.records(name, usual, async (few) => {
            const sent = await send(stage, variant, { topic: old, records: few });
            return sent.recordsPerSecond;
          });
          await send(stage, variant, { topic: old, records });
          const held = await stage.wire.recordCount(old);
          let isOver = false;
          const { bootstrapServers, plan } = stage;
          const tail = probesOf(stage)
            .atRate({
              ...{ bootstrapServers, topic, acks: '1', recordSizeBytes: plan.sizeBytes(TAIL.recordBytes) },
              ...{ records: TAIL.perSecond * TAIL.seconds, recordsPerSecond: TAIL.perSecond },
              warmUpRecords: TAIL.perSecond * TAIL.warmUpSeconds,
            })
            .finally(() => {
              isOver = true;
            });
          tail.catch(() => {});
          const rates: number[] = [];
          while (!isOver) {
            forgetPages(stage, old);
            const load = consumption(stage, variant, { topic: old, records: held });
            rates.push((await clientOf(stage, variant).consume(load)).mbPerSecond);
          }
          const { endToEnd } = await tail;
          const behind = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
          return { p50: endToEnd.p50, p99: endToEnd.p99, p999: endToEnd.p999, behind };
        }),
      ),
  };
}

/** Of a topic: what others have in the page cache stays there. */
function forgetPages({ cluster }: Stage, topic: string): void {
  const files = cluster.logDirectories.flatMap((directory) =>
    globSync(join(directory, `${topic}-*`, '*.{log,index,timeindex}')),
  );
  for (const file of files) {
    const asked = [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'];
    execFileSync('dd', asked, { stdio: 'ignore' });
  }
}
