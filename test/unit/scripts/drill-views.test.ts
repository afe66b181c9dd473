/** Which of the brokers a drill believes, where they say different things. */
import { expect, it } from 'vitest';
import type { ClusterMetadata } from '../../../scripts/cli/admin-client.ts';
import { newestOf } from '../../../scripts/drills/newest-view.ts';

/** A partition's leader epoch and who is in sync, as a broker tells it. */
function view(controllerId: number, leaderEpoch: number, isrNodes: readonly number[]): ClusterMetadata {
  const topics = [{ name: 't', partitions: [{ leaderEpoch, isrNodes }] }];
  return { controllerId, topics } as unknown as ClusterMetadata;
}

it('the one that knows the newest leaders', () => {
  const newest = view(2, 5, [2]);
  expect(newestOf([view(1, 4, [1, 2, 3]), newest, view(1, 4, [1])])).toBe(newest);
});

it('the one that shows the fewest in sync, where leaders are the same: a broker that is cut off has not heard of it', () => {
  const shrunk = view(2, 4, [2, 3]);
  expect(newestOf([view(1, 4, [1, 2, 3]), shrunk])).toBe(shrunk);
});

it('nobody, where nobody answers', () => {
  expect(newestOf([])).toBeNull();
});
