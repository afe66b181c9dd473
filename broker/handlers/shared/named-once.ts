/**
 * What a request names more than once. Where Kafka puts the things of a request into a map before it acts,
 * one that is named again counts once, as it was named last; elsewhere the names that are repeated are
 * refused. What a name costs (a read, an answer a thousand times longer) is thus paid once.
 */

import { NameMap, NameSet } from '../../bounded-name.ts';
import { LargeMap, LargeSet } from '../../large-map.ts';
import { FEW, gathered, type Steps } from '../../platform/turns.ts';

/** Each once by its key, as named last, at the place of its first mention; `items` itself when none is repeated. */
export function* onceEach<T>(items: readonly T[], keyOf: (item: T) => string): Steps<readonly T[]> {
  if (items.length < 2) return items;
  const byKey = new NameMap<T>();
  for (const [index, item] of items.entries()) {
    byKey.set(keyOf(item), item);
    if (index >= FEW) yield;
  }
  return byKey.size === items.length ? items : yield* gathered(byKey.values());
}

/** The names that occur more than once. */
export function* repeatedNames<T>(items: readonly T[], nameOf: (item: T) => string): Steps<NameSet> {
  const seen = new NameSet();
  const repeated = new NameSet();
  for (const item of items) {
    const name = nameOf(item);
    (seen.has(name) ? repeated : seen).add(name);
    yield;
  }
  return repeated;
}

interface Named {
  readonly name: string;
}

/** How a request holds its partitions. */
interface Shape<T extends Named, P> {
  partitionsOf(topic: T): readonly P[];
  indexOf(partition: P): number;
  topic(name: string, partitions: readonly P[]): T;
}

/**
 * The topics with each partition once, and none without partitions; `topics` itself, without further cost,
 * when that holds already.
 */
export function* namedOnce<T extends Named, P>(
  topics: readonly T[],
  shape: Shape<T, P>,
): Steps<readonly T[]> {
  const [first] = topics;
  if (first !== undefined && topics.length === 1 && shape.partitionsOf(first).length === 1) return topics;
  if (yield* isNamedOnce(topics, shape)) return topics;
  const merged = new NameMap<{ readonly name: string; readonly partitions: Map<number, P> }>();
  for (const topic of topics) {
    const { name } = topic;
    for (const partition of shape.partitionsOf(topic)) {
      let ofTopic = merged.get(name);
      if (ofTopic === undefined) {
        ofTopic = { name, partitions: new LargeMap() };
        merged.set(name, ofTopic);
      }
      ofTopic.partitions.set(shape.indexOf(partition), partition);
      yield;
    }
  }
  const once: T[] = [];
  for (const { name, partitions } of merged.values()) {
    once.push(shape.topic(name, yield* gathered(partitions.values())));
    yield;
  }
  return once;
}

function* isNamedOnce<T extends Named, P>(topics: readonly T[], shape: Shape<T, P>): Steps<boolean> {
  const names = topics.length > 1 ? new NameSet() : null;
  for (const topic of topics) {
    if (names !== null && names.size === names.add(topic.name).size) return false;
    const partitions = shape.partitionsOf(topic);
    if (partitions.length === 0) return false;
    if (!isAscending(partitions, shape) && !(yield* areDifferent(partitions, shape))) return false;
    if (names !== null && names.size > FEW) yield;
  }
  return true;
}

/** So fast that it needs no turns. */
function isAscending<P>(partitions: readonly P[], { indexOf }: Pick<Shape<never, P>, 'indexOf'>): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (const partition of partitions) {
    const index = indexOf(partition);
    if (index <= last) return false;
    last = index;
  }
  return true;
}

function* areDifferent<P>(
  partitions: readonly P[],
  { indexOf }: Pick<Shape<never, P>, 'indexOf'>,
): Steps<boolean> {
  const known = new LargeSet<number>();
  for (const partition of partitions) {
    if (known.size === known.add(indexOf(partition)).size) return false;
    yield;
  }
  return true;
}
