/**
 * What a request names more than once. Where Kafka puts the things of a request into a map before it acts,
 * one that is named again counts once, as it was named last; elsewhere the names that are repeated are
 * refused. What a name costs (a read, an answer a thousand times longer) is thus paid once.
 */

/** Each once by its key, as named last, at the place of its first mention; `items` itself when none is repeated. */
export function onceEach<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  if (items.length < 2) return items;
  const byKey = new Map<string, T>();
  for (const item of items) byKey.set(keyOf(item), item);
  return byKey.size === items.length ? items : [...byKey.values()];
}

/** The names that occur more than once. */
export function repeatedNames(names: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) (seen.has(name) ? repeated : seen).add(name);
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
export function namedOnce<T extends Named, P>(topics: readonly T[], shape: Shape<T, P>): readonly T[] {
  if (isNamedOnce(topics, shape)) return topics;
  const merged = new Map<string, Map<number, P>>();
  for (const topic of topics) {
    for (const partition of shape.partitionsOf(topic)) {
      let ofTopic = merged.get(topic.name);
      if (ofTopic === undefined) {
        ofTopic = new Map();
        merged.set(topic.name, ofTopic);
      }
      ofTopic.set(shape.indexOf(partition), partition);
    }
  }
  return [...merged].map(([name, partitions]) => shape.topic(name, [...partitions.values()]));
}

function isNamedOnce<T extends Named, P>(topics: readonly T[], shape: Shape<T, P>): boolean {
  if (topics.length > 1 && new Set(topics.map(({ name }) => name)).size < topics.length) return false;
  return topics.every((topic) => {
    const partitions = shape.partitionsOf(topic);
    if (partitions.length === 0) return false;
    if (isAscending(partitions, shape)) return true;
    return new Set(partitions.map((each) => shape.indexOf(each))).size === partitions.length;
  });
}

function isAscending<P>(partitions: readonly P[], { indexOf }: Pick<Shape<never, P>, 'indexOf'>): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (const partition of partitions) {
    const index = indexOf(partition);
    if (index <= last) return false;
    last = index;
  }
  return true;
}
