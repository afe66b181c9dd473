/**
 * What a producer was promised of its records, held against what is found at the end: nothing that was
 * acknowledged is lost or elsewhere, nothing is there that nobody wrote, nothing twice that may be there
 * once, and acknowledged records of one partition are in the order in which they were sent.
 */
import { type ClientHistory, type Found, idOf } from './entries.ts';
import type { Lives, Place, RecordLife } from './records.ts';
import type { Violation, ViolationKind } from './violation.ts';

export interface Evidence {
  readonly history: ClientHistory;
  readonly lives: Lives;
  readonly found: Found;
  readonly places: ReadonlyMap<number, readonly Place[]>;
}

export function checkRecords(evidence: Evidence): Violation[] {
  const { lives, places } = evidence;
  const wrong = strangers(evidence);
  for (const record of lives.records.values()) {
    const where = places.get(record.id) ?? [];
    wrong.push(...judged(evidence, record, where));
  }
  return [...wrong, ...disorder(evidence)];
}

function judged(evidence: Evidence, record: RecordLife, where: readonly Place[]): Violation[] {
  const { history, lives } = evidence;
  const broken = (kind: ViolationKind, what: string): Violation => ({
    ...{ kind, topic: history.topic, what: `record ${record.id} ${what}` },
    ids: [record.id],
  });
  const isPromised = record.transaction === null || lives.fates.get(record.transaction) === 'committed';
  const wrong: Violation[] = [];
  const [told] = record.acknowledged;
  if (record.acknowledgements > 0 && where.length === 0 && isPromised)
    wrong.push(
      broken('lost', `was acknowledged${told === undefined ? '' : ` at ${spot(told)}`} and is not found`),
    );
  const elsewhere = record.acknowledged.filter((each) => !where.some((found) => isSame(each, found)));
  if (where.length > 0 && elsewhere.length > 0)
    wrong.push(
      broken(
        'misplaced',
        `was acknowledged at ${elsewhere.map(spot).join(' and ')} and is found at ${where.map(spot).join(' and ')}`,
      ),
    );
  const most = mostCopies(history, record);
  if (copies(history, where) > Math.max(1, most))
    wrong.push(broken('duplicated', `is found ${where.length} times: at ${where.map(spot).join(' and ')}`));
  if (where.length > 0 && most === 0)
    wrong.push(
      broken('phantom', `was refused each time it was sent and is found at ${where.map(spot).join(' and ')}`),
    );
  const strange = where.find(({ partition }) => !record.partitions.has(partition));
  if (strange !== undefined)
    wrong.push(
      broken('phantom', `was never sent to partition ${strange.partition} and is found at ${spot(strange)}`),
    );
  return wrong;
}

/**
 * How often it is there. Idempotence is promised for an epoch of a producer: a client that begins another one, as
 * librdkafka does after OUT_OF_ORDER_SEQUENCE_NUMBER, sends again there what may have been written before.
 */
function copies({ mode }: ClientHistory, where: readonly Place[]): number {
  if (mode !== 'idempotent') return where.length;
  const byProducer = Map.groupBy(where, ({ producer }) => producer);
  return Math.max(0, ...[...byProducer.values()].map((those) => those.length));
}

/** How often it may be there: with idempotence once, else as often as it was sent and not refused. */
function mostCopies({ mode, sendsAgain }: ClientHistory, { attempts, refused }: RecordLife): number {
  if (sendsAgain && attempts > refused) return Number.POSITIVE_INFINITY;
  return mode === 'plain' ? attempts - refused : Math.min(1, attempts - refused);
}

function strangers({ history: { topic }, lives, found }: Evidence): Violation[] {
  return found.partitions.flatMap((records, partition) =>
    records.flatMap(({ offset, value }): Violation[] => {
      const id = idOf(topic, value);
      if (id !== null && lives.records.has(id)) return [];
      const what = `nobody has sent '${value}', which is found at ${spot({ partition, offset })}`;
      return [{ kind: 'phantom', topic, what, ids: id === null ? [] : [id] }];
    }),
  );
}

/** Only what was acknowledged at its one attempt has a place in the order: what was sent again may come later. */
function disorder({ history: { topic, sendsAgain }, lives, found }: Evidence): Violation[] {
  if (sendsAgain) return [];
  const wrong: Violation[] = [];
  for (const [partition, records] of found.partitions.entries()) {
    let last: RecordLife | undefined;
    const seen = new Set<number>();
    for (const { offset, value } of records) {
      const record = lives.records.get(idOf(topic, value) ?? -1);
      if (record === undefined || record.attempts !== 1 || record.acknowledgements !== 1) continue;
      if (seen.has(record.id)) continue;
      seen.add(record.id);
      if (last !== undefined && record.order < last.order) {
        const what = `record ${record.id} was sent before ${last.id} and is found after it, at ${spot({ partition, offset })}`;
        wrong.push({ kind: 'reordered', topic, what, ids: [record.id, last.id] });
      } else last = record;
    }
  }
  return wrong;
}

export function spot({ partition, offset }: Place): string {
  return `${partition}:${offset}`;
}

function isSame(one: Place, other: Place): boolean {
  return one.partition === other.partition && one.offset === other.offset;
}
