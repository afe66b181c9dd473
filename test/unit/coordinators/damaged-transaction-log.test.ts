/**
 * A partition of `__transaction_state` as a killed broker, or a disk, leaves it: cut anywhere in its last batch, with
 * bits of it turned over, or with records that say nothing. What stood before stands, and the coordinator answers.
 */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { batchSizeBytes, CorruptBatch, completeBatches } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { fixture } from '../log/support.ts';
import { MemoryStateLog } from './memory-state-log.ts';
import { failover, OWNER, ongoing, T1, TransactionWorld } from './transaction-world.ts';

const TOPIC = '__transaction_state';
const FILE = `/data/${TOPIC}-${OWNER}/00000000000000000000.log`;
/** Of a batch only what lies behind is covered by its checksum. */
const FIRST_CHECKED_BYTE = 21;

/** The partition as a broker stores it. */
class StoredStateLog extends MemoryStateLog {
  readonly #stored: PartitionLog;

  constructor(stored: PartitionLog) {
    super(TOPIC);
    this.#stored = stored;
  }

  override async append(_partition: number, batch: Buffer) {
    const info = this.#stored.appendAsLeader(batch, {
      leaderEpoch: 0,
      origin: 'coordinator',
      apiVersion: 11,
    });
    return { error: info.error, baseOffset: info.firstOffset };
  }

  override read(_partition: number, offset: number) {
    const upToOffset = this.#stored.endOffset;
    const found = this.#stored.read({ offset, maxBytes: 4096, upToOffset, minOneBatch: true });
    if (found === ErrorCode.CORRUPT_MESSAGE) throw new CorruptBatch('no batch');
    if (typeof found === 'number') throw new Error(`the log can't be read: ${found}`);
    return { ...found, lost: null };
  }

  override range() {
    return this.#stored;
  }
}

/** A broker that finds these bytes as the only file of the partition, and no sign of a clean stop. */
async function startedOn(bytes: Buffer): Promise<TransactionWorld> {
  const made = fixture();
  made.disk.makeDirectory(`/data/${TOPIC}-${OWNER}`);
  const file = made.disk.open(FILE, 'write');
  file.write(bytes, 0, bytes.length, 0);
  file.close();
  const stored = (await made.start()).log(TOPIC, OWNER);
  if (stored === undefined) throw new Error('the log is gone');
  return new TransactionWorld(new StoredStateLog(stored)).elect();
}

/** All bytes of the partition after Empty, Ongoing, Ongoing with another partition, PrepareCommit and CompleteCommit. */
async function committed(): Promise<Buffer> {
  const world = await ongoing();
  await world.add(0, [T1]);
  await world.end(true);
  await world.told();
  expect(world.describe()).toBe('CompleteCommit/0');
  return Buffer.concat(world.log.batches.get(OWNER)?.map(({ batch }) => batch) ?? []);
}

/** What stands before each of the five records. */
const BEFORE = ['TRANSACTIONAL_ID_NOT_FOUND', 'Empty/0', 'Ongoing/0', 'Ongoing/0', 'PrepareCommit/0'];

describe('a log that is cut', () => {
  it.each(BEFORE.map((state, batch) => [state, batch] as const))(
    'anywhere in the record after %s is what it was before (%i)',
    async (state, batch) => {
      const bytes = await committed();
      const begin = [...completeBatches(bytes)][batch] ?? 0;
      const end = begin + batchSizeBytes(bytes, begin);
      for (let cut = begin; cut < end; cut++) {
        const world = await startedOn(bytes.subarray(0, cut));
        expect([cut, world.describe()]).toEqual([cut, state]);
      }
      expect((await startedOn(bytes.subarray(0, end))).describe()).toBe(
        [...BEFORE, 'CompleteCommit/0'][batch + 1],
      );
    },
  );

  it('goes on: a decided end is carried out, an open transaction is aborted by the next producer', async () => {
    const bytes = await committed();
    const begins = [...completeBatches(bytes)];
    const decided = await startedOn(bytes.subarray(0, (begins[4] ?? 0) + 30));
    expect(decided.telling).toHaveLength(1);
    await decided.told();
    expect([decided.describe(), await decided.init()]).toEqual(['CompleteCommit/0', '4000/1']);
    const open = await startedOn(bytes.subarray(0, (begins[3] ?? 0) + 30));
    expect(await open.init()).toBe('CONCURRENT_TRANSACTIONS');
    await open.told();
    expect([open.describe(), await open.init()]).toEqual(['CompleteAbort/1', '4000/2']);
  });
});

describe('a bit that turns over in the last record', () => {
  it('leaves what was before, or what is now, and never anything else', async () => {
    const bytes = await committed();
    const begin = [...completeBatches(bytes)].at(-1) ?? 0;
    for (let at = begin; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8((bytes[at] ?? 0) ^ (1 << (at % 8)), at);
      const found = (await startedOn(damaged)).describe();
      const unseen = at - begin < FIRST_CHECKED_BYTE ? ['CompleteCommit/0'] : [];
      expect([at, ['PrepareCommit/0', ...unseen].includes(found), found]).toEqual([at, true, found]);
    }
  });
});

describe('a record that says nothing', () => {
  const key = Buffer.from('0000000370617900', 'hex').subarray(0, 7);
  const partitionsWithoutEnd = Buffer.from(
    '00000000000000000fa000000000ea60017fffffff0000019b76daa8000000019b76daa800',
    'hex',
  );
  const ofVersion = (version: number): Buffer => {
    const bytes = Buffer.from(key);
    bytes.writeInt16BE(version);
    return bytes;
  };

  it.each<readonly [string, Buffer | null, Buffer | null]>([
    ['an empty value', key, Buffer.alloc(0)],
    ['a value that is garbage', key, Buffer.alloc(40, 0xa5)],
    ['a value of a later version', key, Buffer.from('0002000000', 'hex')],
    ['a value with partitions without end', key, partitionsWithoutEnd],
    ['a key of a later version', ofVersion(1), Buffer.alloc(40)],
    ['a key of a version below all', ofVersion(-1), Buffer.alloc(40)],
    ['a key that is cut off', key.subarray(0, 4), Buffer.alloc(40)],
    ['an empty key', Buffer.alloc(0), Buffer.alloc(40)],
    ['no key', null, Buffer.alloc(40)],
  ])('is passed over: %s', async (_what, recordKey, value) => {
    const world = await ongoing();
    await world.log.append(OWNER, buildBatch({ records: [{ timestampMs: 1, key: recordKey, value }] }));
    await world.add(0, [T1]);
    const next = await failover(world);
    expect(next.describe()).toBe('Ongoing/0');
    expect(next.verify(0, [T1])).toEqual(['NONE']);
  });

  it('as a tombstone forgets the id, and only this one', async () => {
    const world = await ongoing();
    await world.log.append(OWNER, buildBatch({ records: [{ timestampMs: 1, key, value: null }] }));
    const next = await failover(world);
    expect(next.describe()).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    expect(await next.init()).toBe('4000/0');
  });
});
