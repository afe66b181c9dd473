/**
 * A story: some events with all that led to them, told in sentences, causes before effects. What one broker
 * has recorded comes in its order; clocks decide only between what knows nothing of each other. Pure.
 */
import { sentenceOf } from '../../../broker/platform/event-sentences.ts';
import type { TopicPartition } from '../../../broker/types.ts';
import { type Fact, type FactKey, type Journals, keyOf } from './causes.ts';
import { timeText } from './event-text.ts';

interface Step {
  readonly fact: Fact;
  readonly key: FactKey;
  readonly causes: readonly FactKey[];
}

/** Whether an event is one that the question is about. */
export type Choice = (recorded: Extract<Fact, { what: 'event' }>['recorded']) => boolean;

interface StoryOptions {
  readonly focus: TopicPartition | null;
  /** Of the events that are asked for, the newest. */
  readonly most: number;
}

/** The lines of a story; none when no event is asked for. */
export function storyOf(journals: Journals, choice: Choice, { focus, most }: StoryOptions): string[] {
  const chosen = journals.events.filter(choice);
  if (chosen.length === 0) return [];
  const told = chosen.slice(-most).map((recorded): Fact => ({ what: 'event', recorded }));
  const steps = inOrder(withCauses(journals, told));
  const numbers = new Map(steps.map(({ key }, index) => [key, index + 1]));
  const leftOut = chosen.length - told.length;
  return [
    ...(leftOut > 0 ? [`(${leftOut} earlier events are left out; --last ${chosen.length} tells them)`] : []),
    ...steps.map((step) => stepLine(step, numbers, focus) + lateNews(step, steps, numbers)),
  ];
}

/** These facts, and all that led to them. */
function withCauses(journals: Journals, facts: readonly Fact[]): Step[] {
  const steps = new Map<FactKey, Step>();
  const open = [...facts];
  for (let fact = open.pop(); fact !== undefined; fact = open.pop()) {
    const key = keyOf(fact);
    if (steps.has(key)) continue;
    const causes = fact.what === 'event' ? journals.causesOf(fact.recorded) : [];
    steps.set(key, { fact, key, causes: causes.map(keyOf) });
    open.push(...causes);
  }
  return [...steps.values()];
}

/** By what must come before: causes, and of the same broker the events with lower ids. */
function inOrder(steps: readonly Step[]): Step[] {
  const byClock = steps.toSorted(compareByClock);
  const before = new Map(byClock.map(({ key, causes }) => [key, new Set(causes)]));
  const lastOf = new Map<number, FactKey>();
  for (const { fact, key } of byClock) {
    if (fact.what !== 'event') continue;
    const last = lastOf.get(fact.recorded.brokerId);
    if (last !== undefined) before.get(key)?.add(last);
    lastOf.set(fact.recorded.brokerId, key);
  }
  const ordered: Step[] = [];
  const told = new Set<FactKey>();
  while (byClock.length > 0) {
    const isFree = ({ key }: Step): boolean => [...(before.get(key) ?? [])].every((one) => told.has(one));
    // Conclusions that contradict each other must not keep the rest from being told.
    const [next] = byClock.splice(Math.max(0, byClock.findIndex(isFree)), 1);
    if (next === undefined) break;
    told.add(next.key);
    ordered.push(next);
  }
  return ordered;
}

function compareByClock(a: Step, b: Step): number {
  const [one, other] = [placeOf(a.fact), placeOf(b.fact)];
  if (one.brokerId === other.brokerId) return one.id - other.id;
  return one.wallMs - other.wallMs || one.brokerId - other.brokerId;
}

/** An end without a record comes behind the last record. */
function placeOf(fact: Fact): { readonly wallMs: number; readonly brokerId: number; readonly id: number } {
  switch (fact.what) {
    case 'event':
      return fact.recorded;
    case 'silence':
      return { ...fact.last, id: fact.last.id + 0.5 };
    case 'unread':
      return { wallMs: fact.wallMs, brokerId: fact.brokerId, id: 0 };
  }
}

/** A session ends in ZooKeeper, and whose it was may be the last to hear of it. */
function lateNews(
  { fact, key }: Step,
  steps: readonly Step[],
  numbers: ReadonlyMap<FactKey, number>,
): string {
  if (fact.what !== 'event' || fact.recorded.event.kind !== 'session-lost') return '';
  const { wallMs, brokerId } = fact.recorded;
  const before = steps.find(
    ({ fact: other, causes }) =>
      causes.includes(key) && other.what === 'event' && other.recorded.wallMs < wallMs,
  );
  if (before === undefined) return '';
  return ` By the clocks that was after [${numbers.get(before.key)}]: broker ${brokerId} stood still or was cut off, and heard of it late, or the clocks differ.`;
}

function stepLine(step: Step, numbers: ReadonlyMap<FactKey, number>, focus: TopicPartition | null): string {
  const { fact, key, causes } = step;
  const number = `[${numbers.get(key)}]`;
  const because = causes.flatMap((cause) => numbers.get(cause) ?? []);
  const why = because.length === 0 ? '' : `Because of ${because.map((one) => `[${one}]`).join(' and ')}, `;
  switch (fact.what) {
    case 'event': {
      const { brokerId, wallMs, event } = fact.recorded;
      const who = `${why === '' ? 'B' : 'b'}roker ${brokerId}`;
      return `${number} ${timeText(wallMs)} ${why}${who} ${sentenceOf(event, focus)}.`;
    }
    case 'silence': {
      const { brokerId, wallMs, event } = fact.last;
      return (
        `${number} after ${timeText(wallMs)} Broker ${brokerId} went silent. The last that its journal has is that it ` +
        `${sentenceOf(event, focus)}. Nothing says that it was stopped: it was killed, or could not go on.`
      );
    }
    case 'unread':
      return `${number} What became of broker ${fact.brokerId} is not known here: its journal of that time was not read. If it is gone, --files names the directory of its journal.`;
  }
}
