/** What the quota of fetching is charged for is the size of the answer, to the byte, in every version. */
import { expect, it } from 'vitest';
import { type Fetched, fetchResponse, notFetched } from '../../../broker/handlers/shared/fetch-response.ts';
import { fetchedSizeBytes } from '../../../broker/handlers/shared/fetch-size.ts';
import { atOnce } from '../../../broker/platform/turns.ts';
import { encodeResponse } from '../../../broker/protocol/codec.ts';
import { Fetch } from '../../../broker/protocol/messages/01-fetch.ts';

const LENGTH_BYTES = 4;
const VERSIONS = Array.from({ length: 18 }, (_, version) => version);

function outcome(topic: string, partition: number, recordsBytes: number, aborted: number | null): Fetched {
  const wanted = {
    topic,
    topicId: 'pAMKOAZDR9y7ZbfpVVkQ8w',
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    maxBytes: 1,
  };
  return {
    ...notFetched(wanted, 0),
    records: Buffer.alloc(recordsBytes),
    abortedTransactions:
      aborted === null
        ? null
        : Array.from({ length: aborted }, (_, producerId) => ({
            producerId,
            firstOffset: 1,
            lastOffset: 2,
            lastStableOffset: 3,
          })),
  };
}

const ANSWERS: readonly (readonly Fetched[])[] = [
  [],
  [outcome('plain', 0, 0, null)],
  [outcome('plain', 0, 126, 0), outcome('plain', 1, 127, null)],
  [outcome('x'.repeat(200), 0, 20_000, 130), outcome('é', 3, 1, 1), outcome('é', 4, 0, 0)],
  Array.from({ length: 200 }, (_, partition) => outcome(`t${partition % 2}`, partition, partition, null)),
];

it.each(VERSIONS)('v%i', (apiVersion) => {
  const services = { metadata: { topic: () => undefined }, topicMetrics: {} };
  for (const outcomes of ANSWERS) {
    const context = { apiVersion, listener: 'PLAINTEXT' };
    const steps = fetchResponse(
      { error: 0, sessionId: 0, outcomes },
      context as unknown as Parameters<typeof fetchResponse>[1],
      services as unknown as Parameters<typeof fetchResponse>[2],
    );
    const encoded = encodeResponse(Fetch, apiVersion, atOnce(steps));
    const sizeBytes = encoded.reduce((sum, part) => sum + part.length, 0);
    expect(atOnce(fetchedSizeBytes(apiVersion, outcomes))).toBe(LENGTH_BYTES + sizeBytes);
  }
});
