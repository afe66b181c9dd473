/** Which drills can't be run on Apache Kafka, and why, in one line. Pure. */
import type { Drill, Step } from './drill.ts';

/** Null: it can be. `lacksCuts`: why brokers can't be cut from each other on this machine, null when they can. */
export function kafkaLacks(drill: Drill, lacksCuts: string | null): string | null {
  for (const step of drill.steps) {
    if (step.do !== 'fault') continue;
    const lack = faultLacks(step, lacksCuts);
    if (lack !== null) return lack;
  }
  return null;
}

function faultLacks(
  { fault, given }: Extract<Step, { do: 'fault' }>,
  lacksCuts: string | null,
): string | null {
  if (fault !== 'link-cut') return `${fault} needs the fault API, which Apache Kafka does not have`;
  if (given['to'] === 'clients')
    return 'a link to clients is cut by the fault API, which Apache Kafka does not have';
  if (given['how'] !== 'silent' || given['forMs'] !== undefined)
    return 'a link that is reset, or cut for a time, needs the fault API, which Apache Kafka does not have';
  return given['to'] === 'zookeeper' ? null : lacksCuts;
}
