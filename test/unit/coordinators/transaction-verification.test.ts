/** Whom a broker asks before a transaction begins in its partitions, and what it makes of the answers. */
import { describe, expect, it } from 'vitest';
import { TransactionVerification } from '../../../broker/coordinators/transaction-verification.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import type {
  VerifyTransactionsRequest,
  VerifyTransactionsResponse,
} from '../../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../../broker/peers/peers.contract.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import type { TransactionToVerify } from '../../../broker/replication/collaborators.ts';

const PARTITIONS = 50;

interface Asked {
  readonly to: number;
  readonly request: VerifyTransactionsRequest;
  answer(response: VerifyTransactionsResponse): void;
  fail(): void;
}

function setUp({ leader = 3 }: { leader?: number } = {}) {
  const asked: Asked[] = [];
  const lookedUp: [string, number][] = [];
  const metrics = createMetrics();
  const clock = { ms: 1000, nowMs: () => clock.ms };
  const verification = new TransactionVerification({
    clock,
    metrics,
    brokerId: 3,
    partitionCount: () => PARTITIONS,
    timeoutMs: 1000,
    metadata: {
      partition: (topic, partition) => {
        lookedUp.push([topic, partition]);
        return { leader };
      },
      broker: (id) => (id < 0 ? undefined : { id, epoch: 1, rack: null, endpoints: [] }),
    },
    peers: {
      request: (to, request) =>
        new Promise((resolve, reject) => {
          asked.push({
            to: to.id,
            request: request as unknown as VerifyTransactionsRequest,
            answer: (response) => resolve(response as never),
            fail: () => reject(new PeerUnreachable('gone')),
          });
        }),
    },
  });
  return { verification, asked, lookedUp, clock, metrics };
}

function transaction(
  transactionalId: string,
  overrides: Partial<TransactionToVerify> = {},
): TransactionToVerify {
  return {
    transactionalId,
    producerId: 7,
    producerEpoch: 1,
    partitions: [{ topic: 't', partition: 0 }],
    ...overrides,
  };
}

function saying(
  transactionalId: string,
  error: ErrorCode,
): VerifyTransactionsResponse['transactions'][number] {
  return { transactionalId, partitions: [{ topic: 't', partition: 0, error }] };
}

function part(partition: number) {
  return { topic: 't', partition };
}

async function turn(): Promise<void> {
  for (let round = 0; round < 10; round++) await Promise.resolve();
}

describe('a question', () => {
  it('goes to the leader of the partition that the transactional id falls into', async () => {
    const { verification, asked, lookedUp } = setUp();
    const verdict = verification.verify(transaction('tx'));
    await turn();
    expect(lookedUp).toEqual([['__transaction_state', partitionForKey('tx', PARTITIONS)]]);
    expect(asked).toMatchObject([
      {
        to: 3,
        request: {
          type: 'VerifyTransactions',
          brokerId: 3,
          transactions: [
            {
              transactionalId: 'tx',
              producerId: 7,
              producerEpoch: 1,
              topics: [{ topic: 't', partitions: [0] }],
            },
          ],
        },
      },
    ]);
    asked[0]?.answer({
      error: ErrorCode.NONE,
      transactions: [saying('tx', ErrorCode.TRANSACTION_ABORTABLE)],
    });
    expect((await verdict).get('t-0')).toBe(ErrorCode.TRANSACTION_ABORTABLE);
  });

  it('waits while another is under way to that broker, and goes with all that wait', async () => {
    const { verification, asked } = setUp();
    const first = verification.verify(transaction('a'));
    await turn();
    const others = [verification.verify(transaction('b')), verification.verify(transaction('c'))];
    await turn();
    expect(asked).toHaveLength(1);
    asked[0]?.answer({ error: ErrorCode.NONE, transactions: [saying('a', ErrorCode.NONE)] });
    await first;
    await turn();
    expect(asked[1]?.request.transactions.map(({ transactionalId }) => transactionalId)).toEqual(['b', 'c']);
    asked[1]?.answer({
      error: ErrorCode.NONE,
      transactions: [saying('c', ErrorCode.CONCURRENT_TRANSACTIONS), saying('b', ErrorCode.NONE)],
    });
    const [b, c] = await Promise.all(others);
    expect([b?.get('t-0'), c?.get('t-0')]).toEqual([ErrorCode.NONE, ErrorCode.CONCURRENT_TRANSACTIONS]);
  });

  it('of a newer epoch fences the one that waits; an older one is fenced; the same again replaces it', async () => {
    const { verification, asked } = setUp();
    void verification.verify(transaction('other'));
    await turn();
    const older = verification.verify(transaction('tx', { producerEpoch: 1 }));
    const newer = verification.verify(transaction('tx', { producerEpoch: 2 }));
    expect((await older).get('t-0')).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    const late = verification.verify(transaction('tx', { producerEpoch: 1 }));
    expect((await late).get('t-0')).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    const again = verification.verify(transaction('tx', { producerEpoch: 2 }));
    expect((await newer).get('t-0')).toBe(ErrorCode.NETWORK_EXCEPTION);
    asked[0]?.answer({ error: ErrorCode.NONE, transactions: [] });
    await turn();
    asked[1]?.answer({ error: ErrorCode.NONE, transactions: [saying('tx', ErrorCode.NONE)] });
    expect((await again).get('t-0')).toBe(ErrorCode.NONE);
  });

  it('is answered PRODUCER_FENCED in the words of those who write', async () => {
    const { verification, asked } = setUp();
    const verdict = verification.verify(transaction('tx'));
    await turn();
    asked[0]?.answer({ error: ErrorCode.NONE, transactions: [saying('tx', ErrorCode.PRODUCER_FENCED)] });
    expect((await verdict).get('t-0')).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  it('without an answer is not a yes', async () => {
    const { verification, asked } = setUp();
    const unreachable = verification.verify(transaction('a'));
    await turn();
    asked[0]?.fail();
    expect((await unreachable).get('t-0')).toBe(ErrorCode.NETWORK_EXCEPTION);
    const failed = verification.verify(transaction('b'));
    await turn();
    asked[1]?.answer({ error: ErrorCode.UNKNOWN_SERVER_ERROR, transactions: [] });
    expect((await failed).get('t-0')).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    const forgotten = verification.verify(transaction('c'));
    await turn();
    asked[2]?.answer({ error: ErrorCode.NONE, transactions: [] });
    expect((await forgotten).get('t-0')).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });

  it('shows how long its answer took, and which partitions were refused', async () => {
    const { verification, asked, clock, metrics } = setUp();
    const verdict = verification.verify(transaction('tx', { partitions: [part(0), part(1)] }));
    await turn();
    clock.ms += 7;
    asked[0]?.answer({ error: ErrorCode.NONE, transactions: [saying('tx', ErrorCode.NONE)] });
    await verdict;
    const rendered = await metrics.render();
    expect(rendered).toMatch(/verificationtimems_sum 7/);
    expect(rendered).toMatch(/verificationtimems_count 1/);
    // The answer does not say anything about the second.
    expect(rendered).toMatch(/verificationfailurerate_total 1/);
  });

  it('is asked of nobody where nobody coordinates, or where the id can be nobody’s', async () => {
    const nobody = setUp({ leader: -1 });
    const verdict = await nobody.verification.verify(transaction('tx'));
    expect(verdict.get('t-0')).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const { verification, asked } = setUp();
    const impossible = await verification.verify(transaction('tx', { producerId: 2n ** 60n }));
    expect(impossible.get('t-0')).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    expect(asked).toEqual([]);
  });
});
