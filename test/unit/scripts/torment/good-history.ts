/** A history in which every promise is kept, with all that occurs in one, for tests to plant a fault into. */
import type {
  ClientHistory,
  Entry,
  EntryType,
  FoundRecord,
  Mode,
} from '../../../../scripts/torment/history/entries.ts';

export const TOPIC = 't';

export interface GoodHistory {
  history: ClientHistory & { writer: Entry[]; reader: Entry[] };
  found: { partitions: FoundRecord[][]; transactionsOffset: number };
}

/** Writes a history with a clock that goes on by one for each entry. */
export class Scribe {
  readonly entries: Entry[] = [];
  #at = 0;

  send(
    type: EntryType,
    id: number,
    partition: number,
    more: { offset?: number; transaction?: number } = {},
  ): this {
    this.entries.push({ at: this.#at++, type, do: 'send', id, partition, ...more });
    return this;
  }

  end(deed: 'commit' | 'abort', type: EntryType, transaction: number): this {
    this.entries.push({ at: this.#at++, type, do: deed, transaction });
    return this;
  }

  read(partition: number, offset: number, id: number): this {
    this.entries.push({ at: this.#at++, type: 'ok', do: 'read', partition, offset, value: `${TOPIC}/${id}` });
    return this;
  }

  offsets(
    deed: 'commit-offsets' | 'fetch-offsets',
    type: EntryType,
    ...offsets: (readonly [number, number])[]
  ): this {
    this.entries.push({ at: this.#at++, type, do: deed, offsets });
    return this;
  }
}

/** Two partitions, a record that was refused and sent again, one that nobody knows of and that is there. */
export function goodHistory(mode: Mode): GoodHistory {
  const writer = mode === 'transactional' ? transactions() : sends();
  const reader = new Scribe()
    .offsets('fetch-offsets', 'invoke', [0, -1], [1, -1])
    .offsets('fetch-offsets', 'ok', [0, -1], [1, -1])
    .read(0, 0, 0)
    .read(1, 0, 1)
    .offsets('commit-offsets', 'invoke', [0, 1], [1, 1])
    .offsets('commit-offsets', 'ok', [0, 1], [1, 1])
    .read(0, 1, 2)
    .offsets('fetch-offsets', 'invoke', [0, -1], [1, -1])
    .offsets('fetch-offsets', 'ok', [0, 1], [1, 1])
    .read(0, 1, 2)
    .read(1, 1, 3)
    .read(0, 2, 4);
  return {
    history: { topic: TOPIC, mode, sendsAgain: false, writer: writer.entries, reader: reader.entries },
    found: {
      partitions: [
        [at(0, 0), at(1, 2), at(2, 4)],
        [at(0, 1), at(1, 3)],
      ],
      transactionsOffset: mode === 'transactional' ? 2 : -1,
    },
  };
}

export function at(offset: number, id: number): FoundRecord {
  return { offset, value: `${TOPIC}/${id}` };
}

function sends(): Scribe {
  return new Scribe()
    .send('invoke', 0, 0)
    .send('invoke', 1, 1)
    .send('ok', 0, 0, { offset: 0 })
    .send('ok', 1, 1, { offset: 0 })
    .send('invoke', 2, 0)
    .send('invoke', 3, 1)
    .send('info', 2, 0)
    .send('ok', 3, 1, { offset: 1 })
    .send('invoke', 4, 0)
    .send('ok', 4, 0, { offset: 2 })
    .send('invoke', 5, 1)
    .send('fail', 5, 1);
}

/** 0 and 1 are committed, 2 and 3 as well, though nobody knows, 4 is committed, 5 and 6 are aborted. */
function transactions(): Scribe {
  return new Scribe()
    .send('invoke', 0, 0, { transaction: 0 })
    .send('invoke', 1, 1, { transaction: 0 })
    .send('ok', 0, 0, { offset: 0 })
    .send('ok', 1, 1, { offset: 0 })
    .end('commit', 'invoke', 0)
    .end('commit', 'ok', 0)
    .send('invoke', 2, 0, { transaction: 1 })
    .send('invoke', 3, 1, { transaction: 1 })
    .send('ok', 2, 0, { offset: 1 })
    .send('ok', 3, 1, { offset: 1 })
    .end('commit', 'invoke', 1)
    .end('commit', 'info', 1)
    .send('invoke', 4, 0, { transaction: 2 })
    .send('ok', 4, 0, { offset: 2 })
    .end('commit', 'invoke', 2)
    .end('commit', 'ok', 2)
    .send('invoke', 5, 0, { transaction: 3 })
    .send('invoke', 6, 1, { transaction: 3 })
    .send('ok', 5, 0, { offset: 3 })
    .send('ok', 6, 1, { offset: 2 })
    .end('abort', 'invoke', 3)
    .end('abort', 'ok', 3);
}
