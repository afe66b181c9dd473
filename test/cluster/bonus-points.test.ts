/** `scripts/bonus-points`, a short one: two of its four strikes, and how it counts. */

import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { balance } from '../../scripts/bonus/ledger.ts';
import { endLines, run } from '../unit/scripts/command-line.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'scripts', 'bonus-points.ts');
const BONUS_POINTS = `"${process.execPath}" --disable-warning=TimeoutNegativeWarning "${PROGRAM}"`;
const LIMIT_MS = 180_000;

afterEach(endLines);

describe('bonus-points', () => {
  it(
    'pays every customer exactly once while a process and a coordinator are killed',
    async () => {
      const { out, err, status } = await run(
        `${BONUS_POINTS} --exit --base-port 0 --rate 50 --kill application,coordinator`,
      );
      expect(err).toBe('');
      expect(out).toMatch(/kill -9 of a process of each application/);
      expect(out).toMatch(
        /kill -9 of broker \d, the coordinator of the transactions of bonus-0\n {2}broker \d coordinates/,
      );
      const customers = /there are (\d+), and/.exec(out)?.[1];
      expect(out).toMatch(new RegExp(`paid exactly once +${customers} `));
      expect(out).toMatch(/not paid +0 +0\n/);
      expect(out.trimEnd()).toMatch(/every customer was paid exactly once$/);
      expect(status).toBe(0);
    },
    LIMIT_MS,
  );

  it(
    'refuses what it cannot kill, and fewer brokers than survive a kill',
    async () => {
      const unknown = await run(`${BONUS_POINTS} --kill somebody`);
      expect(unknown).toMatchObject({ status: 2, out: '' });
      expect(unknown.err).toContain("not 'somebody'");
      expect(await run(`${BONUS_POINTS} --brokers 2`)).toMatchObject({ status: 2, out: '' });
    },
    LIMIT_MS,
  );
});

describe('the ledger', () => {
  const paid = (...numbers: number[]): string[] => numbers.map((number) => `bonus for customer ${number}`);

  it('tells who was paid once, more than once, and not at all', () => {
    expect(balance(paid(0, 1, 2, 1), 4)).toEqual({
      payments: 4,
      paidOnce: 2,
      paidMore: 1,
      unpaid: 1,
      strange: 0,
    });
  });

  it('and payments to people who are no customers', () => {
    expect(balance(paid(0, 7), 1)).toMatchObject({ payments: 2, paidOnce: 1, strange: 1 });
  });
});
