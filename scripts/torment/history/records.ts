/** Lives of records: what their producer did and was told, put together from its history. */
import { type ClientHistory, type EndEntry, type Found, idOf, type SendEntry } from './entries.ts';

export interface Place {
  readonly partition: number;
  readonly offset: number;
  /** Of what is found: by whom it was written. */
  readonly producer?: string;
}

export interface RecordLife {
  readonly id: number;
  /** The place of its first attempt among all first attempts. */
  readonly order: number;
  readonly partitions: ReadonlySet<number>;
  readonly transaction: number | null;
  readonly attempts: number;
  /** Attempts of which it is certain that they left nothing. */
  readonly refused: number;
  /** How often its producer was told that it is there. */
  readonly acknowledgements: number;
  /** Where it is, as its producer was told. */
  readonly acknowledged: readonly Place[];
}

/** How a transaction has ended, as far as its producer was told. */
type Fate = 'committed' | 'aborted' | 'unknown';

export interface Lives {
  readonly records: ReadonlyMap<number, RecordLife>;
  readonly fates: ReadonlyMap<number, Fate>;
}

interface Growing {
  readonly id: number;
  readonly order: number;
  readonly partitions: Set<number>;
  readonly transaction: number | null;
  readonly acknowledged: Place[];
  attempts: number;
  refused: number;
  acknowledgements: number;
}

export function livesOf({ writer }: ClientHistory): Lives {
  const records = new Map<number, Growing>();
  const fates = new Map<number, Fate>();
  for (const entry of writer) {
    if (entry.do === 'send') grow(records, fates, entry);
    else if (entry.do === 'commit' || entry.do === 'abort') fates.set(entry.transaction, fateBy(entry));
  }
  return { records, fates };
}

function grow(records: Map<number, Growing>, fates: Map<number, Fate>, entry: SendEntry): void {
  const { id, partition, transaction = null } = entry;
  const record = records.get(id) ?? {
    ...{ id, order: records.size, partitions: new Set<number>(), transaction },
    ...{ acknowledged: [], acknowledgements: 0, attempts: 0, refused: 0 },
  };
  records.set(id, record);
  record.partitions.add(partition);
  if (transaction !== null && !fates.has(transaction)) fates.set(transaction, 'unknown');
  if (entry.type === 'invoke') record.attempts++;
  if (entry.type === 'fail') record.refused++;
  if (entry.type !== 'ok') return;
  record.acknowledgements++;
  if (entry.offset !== undefined) record.acknowledged.push({ partition, offset: entry.offset });
}

/** An abort that fails, or whose end is unknown, may have been made of a transaction that is committed. */
function fateBy({ do: deed, type }: EndEntry): Fate {
  if (type === 'ok') return deed === 'commit' ? 'committed' : 'aborted';
  return deed === 'commit' && type === 'fail' ? 'aborted' : 'unknown';
}

/** Where each record is found; values that are none of this topic's are left out. */
export function placesOf(topic: string, found: Found): ReadonlyMap<number, readonly Place[]> {
  const places = new Map<number, Place[]>();
  for (const [partition, records] of found.partitions.entries()) {
    for (const { value, ...where } of records) {
      const id = idOf(topic, value);
      if (id === null) continue;
      const known = places.get(id);
      if (known === undefined) places.set(id, [{ partition, ...where }]);
      else known.push({ partition, ...where });
    }
  }
  return places;
}
