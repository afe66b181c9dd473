/** Offsets of partitions, by their leaders, of whom one may refuse. */
import { describe, expect, it } from 'vitest';
import { SaslLoginError } from '../../../broker/protocol/login.ts';
import type { AdminClient } from '../../../scripts/cli/admin-client.ts';
import { at, LATEST, offsetsAt } from '../../../scripts/cli/leaders.ts';

const PARTITIONS = [
  { topic: 't', partition: 0 },
  { topic: 't', partition: 1 },
];

/** Partition 0 is led by broker 1, partition 1 by broker 2, who answers with this. */
function clientWhere(broker2: () => Promise<unknown>): AdminClient {
  const leaders = [1, 2].map((leaderId, partitionIndex) => ({ partitionIndex, leaderId }));
  const answer = (partitionIndex: number, offset: number) => ({
    topics: [
      { name: 't', partitions: [{ partitionIndex, errorCode: 0, offset, timestamp: -1, leaderEpoch: 0 }] },
    ],
  });
  return {
    metadata: () => Promise.resolve({ topics: [{ name: 't', partitions: leaders }] }),
    askBroker: (nodeId: number) => (nodeId === 1 ? Promise.resolve(answer(0, 7)) : broker2()),
  } as unknown as AdminClient;
}

describe('a leader that does not take the login', () => {
  it('is a problem of its partitions', async () => {
    const admin = clientWhere(() => Promise.reject(new SaslLoginError('invalid credentials')));
    const { found, problems } = await offsetsAt(admin, at(PARTITIONS, LATEST));
    expect([...found.values()]).toMatchObject([{ partition: 0, offset: 7 }]);
    expect([...problems]).toEqual([
      ['t-1', 'its leader, broker 2, does not take the login: invalid credentials'],
    ]);
  });
});

describe('a leader that is not there', () => {
  it('leaves the question unanswered', async () => {
    const admin = clientWhere(() => Promise.reject(new Error('it is gone')));
    await expect(offsetsAt(admin, at(PARTITIONS, LATEST))).rejects.toThrow('it is gone');
  });
});
