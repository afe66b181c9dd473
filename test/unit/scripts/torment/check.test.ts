/** The checker of histories: a good one passes, and each kind of fault that is planted into it is found. */
import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../../../scripts/torment/history/check.ts';
import type { Entry, Mode } from '../../../../scripts/torment/history/entries.ts';
import { parseHistory } from '../../../../scripts/torment/history/entries.ts';
import { lifeOf } from '../../../../scripts/torment/history/life.ts';
import type { Violation } from '../../../../scripts/torment/history/violation.ts';
import { at, type GoodHistory, goodHistory, Scribe, TOPIC } from './good-history.ts';

const MODES: readonly Mode[] = ['plain', 'idempotent', 'transactional'];

/** What is found once `fault` has been planted. */
function planted(mode: Mode, fault: (good: GoodHistory) => void): Violation[] {
  const good = goodHistory(mode);
  fault(good);
  return checkHistory(good.history, good.found);
}

function kinds(mode: Mode, fault: (good: GoodHistory) => void): string[] {
  return [...new Set(planted(mode, fault).map(({ kind }) => kind))].sort();
}

/** Nothing in the reader's history speaks of this record any more. */
function unread({ history }: GoodHistory, id: number): void {
  const kept = history.reader.filter((entry) => entry.do !== 'read' || entry.value !== `${TOPIC}/${id}`);
  history.reader.splice(0, history.reader.length, ...kept);
}

/** A group that is asked for an offset, and what it says. */
function asked([partition, offset]: readonly [number, number]): Scribe {
  return new Scribe()
    .offsets('fetch-offsets', 'invoke', [partition, -1])
    .offsets('fetch-offsets', 'ok', [partition, offset]);
}

function add(entries: Entry[], scribe: Scribe): void {
  entries.push(...scribe.entries);
}

it.each(MODES)('a good %s history passes', (mode) => {
  expect(planted(mode, () => {})).toEqual([]);
});

it.each(MODES)('a %s producer whose acknowledged record is gone: lost', (mode) => {
  const fault = (good: GoodHistory): void => {
    good.found.partitions[0]?.pop();
    unread(good, 4);
  };
  expect(kinds(mode, fault)).toEqual(['lost']);
  expect(planted(mode, fault)[0]?.what).toBe('record 4 was acknowledged at 0:2 and is not found');
});

describe('duplicates', () => {
  const again = (good: GoodHistory): void => {
    good.found.partitions[1]?.push(at(2, 1));
    add(good.history.reader, new Scribe().read(1, 2, 1));
  };

  it.each(MODES)('of a %s producer that was told at once are found', (mode) => {
    expect(kinds(mode, again)).toEqual(['duplicated']);
  });

  it('are what a plain producer has to expect that sends again what it knows nothing of', () => {
    const fault = (good: GoodHistory): void => {
      add(good.history.writer, new Scribe().send('invoke', 2, 0).send('ok', 2, 0, { offset: 3 }));
      good.found.partitions[0]?.push(at(3, 2));
      add(good.history.reader, new Scribe().read(0, 3, 2));
    };
    expect(kinds('plain', fault)).toEqual([]);
    expect(kinds('idempotent', fault)).toEqual(['duplicated']);
  });

  it('of an idempotent producer count within an epoch of it, those of others for every epoch', () => {
    const twice =
      (...producers: string[]) =>
      (good: GoodHistory): void => {
        good.found.partitions[1]?.splice(0, 1, { ...at(0, 1), producer: producers[0] ?? '' });
        good.found.partitions[1]?.push({ ...at(2, 1), producer: producers[1] ?? '' });
        add(good.history.reader, new Scribe().read(1, 2, 1));
      };
    expect(kinds('idempotent', twice('7/0', '7/1'))).toEqual([]);
    expect(kinds('idempotent', twice('7/1', '7/1'))).toEqual(['duplicated']);
    expect(kinds('plain', twice('-1/-1', '-1/-1'))).toEqual(['duplicated']);
    expect(kinds('transactional', twice('7/0', '7/1'))).toEqual(['duplicated']);
  });

  it('are not judged where the client sends again and does not tell; what it lost is', () => {
    const good = goodHistory('plain');
    again(good);
    expect(checkHistory({ ...good.history, sendsAgain: true }, good.found)).toEqual([]);
    good.found.partitions[0]?.pop();
    const wrong = checkHistory({ ...good.history, sendsAgain: true }, good.found);
    expect(wrong.map(({ kind }) => kind)).toContain('lost');
  });

  it('are none of them when what was sent again had been refused before', () => {
    const fault = (good: GoodHistory): void => {
      add(good.history.writer, new Scribe().send('invoke', 5, 1).send('ok', 5, 1, { offset: 2 }));
      good.found.partitions[1]?.push(at(2, 5), at(3, 5));
      add(good.history.reader, new Scribe().read(1, 2, 5).read(1, 3, 5));
    };
    expect(kinds('plain', fault)).toEqual(['duplicated']);
  });
});

describe('order', () => {
  it.each(MODES)('acknowledged records of a %s producer that have changed places are found', (mode) => {
    const fault = (good: GoodHistory): void => {
      good.found.partitions[0]?.splice(0, 3, at(0, 4), at(1, 2), at(2, 0));
    };
    expect(kinds(mode, fault)).toContain('reordered');
  });

  it('what was sent again may come later', () => {
    const fault = (good: GoodHistory): void => {
      add(good.history.writer, new Scribe().send('invoke', 2, 0).send('ok', 2, 0, { offset: 2 }));
      const acknowledged = good.history.writer.find(
        (entry) => entry.do === 'send' && entry.id === 4 && entry.type === 'ok',
      );
      good.history.writer[good.history.writer.indexOf(acknowledged as Entry)] = {
        ...acknowledged,
        offset: 1,
      } as Entry;
      good.found.partitions[0]?.splice(1, 2, at(1, 4), at(2, 2));
      unread(good, 2);
      unread(good, 4);
      add(good.history.reader, new Scribe().read(0, 1, 4).read(0, 2, 2));
    };
    expect(kinds('plain', fault)).toEqual([]);
  });
});

describe('places', () => {
  it.each(MODES)('a record of a %s producer elsewhere than it was acknowledged is found', (mode) => {
    const fault = (good: GoodHistory): void => {
      good.found.partitions[0]?.splice(2, 1, at(3, 4));
      unread(good, 4);
      add(good.history.reader, new Scribe().read(0, 3, 4));
    };
    expect(kinds(mode, fault)).toEqual(['misplaced']);
  });

  it.each([
    ['nobody has sent', 99, 0],
    ['went to another partition', 2, 1],
  ])('a record that %s is a phantom', (_, id, partition) => {
    const fault = (good: GoodHistory): void => {
      const offset = good.found.partitions[partition]?.length ?? 0;
      if (id === 2) good.found.partitions[0]?.splice(1, 1);
      unread(good, id);
      good.found.partitions[partition]?.push(at(offset, id));
      add(good.history.reader, new Scribe().read(partition, offset, id));
    };
    expect(kinds('idempotent', fault)).toEqual(['phantom']);
  });

  it('a record that was refused and is there is a phantom, and so is what is no record of ours', () => {
    const refused = (good: GoodHistory): void => {
      good.found.partitions[1]?.push(at(2, 5));
      add(good.history.reader, new Scribe().read(1, 2, 5));
    };
    expect(kinds('plain', refused)).toEqual(['phantom']);
    const strange = planted('plain', ({ found }) =>
      found.partitions[1]?.push({ offset: 2, value: 'other/7' }),
    );
    expect(strange.map(({ kind }) => kind)).toEqual(['phantom', 'unread']);
  });
});

it('a record that was acknowledged without a place may be anywhere in its partition, but not nowhere', () => {
  const fault = ({ history: { writer } }: GoodHistory): void => {
    const at = writer.findIndex((entry) => entry.do === 'send' && entry.id === 4 && entry.type === 'ok');
    writer.splice(at, 1, ...new Scribe().send('ok', 4, 0).entries);
  };
  expect(kinds('idempotent', fault)).toEqual([]);
  const andGone = (good: GoodHistory): void => {
    fault(good);
    good.found.partitions[0]?.pop();
    unread(good, 4);
  };
  expect(kinds('idempotent', andGone)).toEqual(['lost']);
});

describe('transactions', () => {
  it('a record of an aborted one that is there is found', () => {
    const fault = (good: GoodHistory): void => {
      good.found.partitions[0]?.push(at(3, 5));
      add(good.history.reader, new Scribe().read(0, 3, 5));
    };
    expect(kinds('transactional', fault)).toEqual(['aborted-read']);
  });

  it('a record of an aborted one that was read on the way is found, though it is not there any more', () => {
    const fault = ({ history }: GoodHistory): void => add(history.reader, new Scribe().read(0, 3, 5));
    expect(kinds('transactional', fault)).toEqual(['aborted-read']);
  });

  it('one of which only a part is there is torn, whether its end is known or not', () => {
    for (const [id, partition, index] of [
      [1, 1, 0],
      [3, 1, 1],
    ] as const) {
      const fault = (good: GoodHistory): void => {
        good.found.partitions[partition]?.splice(index, 1);
        unread(good, id);
      };
      expect(kinds('transactional', fault)).toContain('torn');
    }
  });

  it('a group whose offset is that of another transaction than the last is found', () => {
    const apart = (offset: number) => (good: GoodHistory) => {
      good.found.transactionsOffset = offset;
    };
    for (const offset of [-1, 1, 3]) expect(kinds('transactional', apart(offset))).toEqual(['offset-apart']);
  });

  it('one of which nobody knows the end may be there or not', () => {
    const fault = (good: GoodHistory): void => {
      good.found.partitions[0]?.splice(1, 1);
      good.found.partitions[1]?.splice(1, 1);
      unread(good, 2);
      unread(good, 3);
    };
    expect(kinds('transactional', fault)).toEqual([]);
  });
});

describe('readers', () => {
  it('a record that was read and is another one at the end is found', () => {
    const fault = (good: GoodHistory): void => {
      unread(good, 3);
      add(good.history.reader, new Scribe().read(1, 1, 2));
    };
    expect(kinds('plain', fault)).toEqual(['changed']);
  });

  it('a record that the reader was not given is found, and how far the reader got', () => {
    expect(kinds('plain', (good) => unread(good, 0))).toEqual(['skipped']);
    expect(kinds('plain', (good) => unread(good, 4))).toEqual(['unread']);
    expect(planted('plain', ({ history }) => history.reader.splice(0)).map(({ what }) => what)).toEqual([
      '3 records of partition 0 were not given to the reader before it gave up: the first is t/0 at 0',
      '2 records of partition 1 were not given to the reader before it gave up: the first is t/1 at 0',
    ]);
  });

  it('a reader that is thrown back without having been assigned the partition again is found', () => {
    const fault = ({ history }: GoodHistory): void => add(history.reader, new Scribe().read(0, 0, 0));
    expect(kinds('plain', fault)).toEqual(['reread']);
  });

  it("a group's offset that goes back is found, and one that nobody has committed", () => {
    const back = ({ history }: GoodHistory): void => {
      add(history.reader, asked([0, 0]));
    };
    expect(kinds('plain', back)).toEqual(['offset-back']);
    const gone = ({ history }: GoodHistory): void => {
      add(history.reader, asked([1, -1]));
    };
    expect(kinds('plain', gone)).toEqual(['offset-back']);
    const unasked = ({ history }: GoodHistory): void => {
      add(history.reader, asked([0, 2]));
    };
    expect(kinds('plain', unasked)).toEqual(['offset-unasked']);
  });
});

it('what was committed after the group was asked is no part of the answer', () => {
  const fault = ({ history }: GoodHistory): void => {
    const scribe = new Scribe()
      .offsets('fetch-offsets', 'invoke', [0, -1])
      .offsets('commit-offsets', 'invoke', [0, 2])
      .offsets('commit-offsets', 'ok', [0, 2])
      .offsets('fetch-offsets', 'ok', [0, 1]);
    add(history.reader, scribe);
  };
  expect(kinds('plain', fault)).toEqual([]);
});

describe('the format', () => {
  it('is read line by line, and what a killed program has not written to its end is left out', () => {
    const { writer } = goodHistory('transactional').history;
    const text = writer.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    expect(parseHistory(text)).toEqual(writer);
    expect(parseHistory(`${text}{"at":1,"ty`)).toEqual(writer);
  });

  it.each(['what?', '{"at":1,"type":"ok","do":"dance"}', '{"type":"ok","do":"send"}', 'null'])(
    'is not guessed at: %s',
    (line) => {
      expect(() => parseHistory(`${line}\n`)).toThrow(/line 1 of a history/);
    },
  );
});

it('the life of a record that is lost can be read, with what was done to the cluster meanwhile', () => {
  const good = goodHistory('plain');
  good.found.partitions[0]?.pop();
  unread(good, 4);
  const [violation] = checkHistory(good.history, good.found);
  const marks = [{ at: 8.5, what: 'kill -9 of broker 2' }];
  expect(violation && lifeOf(violation, good, marks)).toEqual([
    '   0.000 s  send of 4 to partition 0: begun',
    '   0.001 s  --- kill -9 of broker 2',
    '   0.001 s  send of 4 to 0:2: ok',
    'at the end  t/4 is nowhere',
  ]);
});
