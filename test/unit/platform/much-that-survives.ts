/**
 * A program for heap-growth.test.ts: makes many objects that live for a while, with the bounds or without, and
 * prints how much room V8 took at most: for new ones, and for old ones, in bytes.
 */
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { boundHeapGrowth } from '../../../broker/platform/heap-growth.ts';

const ROUNDS = 300;
const MADE_A_ROUND = 5000;
const ALIVE = 200_000;

const bound = process.argv[2] === 'bound' ? boundHeapGrowth() : null;
const alive: unknown[] = [];
let [youngBytes, oldBytes] = [0, 0];
for (let round = 0; round < ROUNDS; round++) {
  for (let made = 0; made < MADE_A_ROUND; made++) {
    alive[(round * MADE_A_ROUND + made) % ALIVE] = { made, round: [round, made], text: `x${made}` };
  }
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  const young = space?.space_size ?? Number.NaN;
  youngBytes = Math.max(youngBytes, young);
  oldBytes = Math.max(oldBytes, getHeapStatistics().total_heap_size - young);
  await new Promise((resolve) => setImmediate(resolve));
}
bound?.stop();
process.stdout.write(JSON.stringify({ youngBytes, oldBytes }));
