/**
 * A program for young-generation.test.ts: makes many objects that live for a while, with the bound or without,
 * and prints how much room V8 took for new ones at most, in bytes.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { boundYoungGeneration } from '../../../broker/platform/young-generation.ts';

const ROUNDS = 150;
const MADE_A_ROUND = 5000;
const ALIVE = 200_000;

const bound = process.argv[2] === 'bound' ? boundYoungGeneration() : null;
const alive: unknown[] = [];
let mostBytes = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (let made = 0; made < MADE_A_ROUND; made++) {
    alive[(round * MADE_A_ROUND + made) % ALIVE] = { made, round: [round, made], text: `x${made}` };
  }
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  mostBytes = Math.max(mostBytes, space?.space_size ?? Number.NaN);
  await new Promise((resolve) => setImmediate(resolve));
}
bound?.stop();
process.stdout.write(String(mostBytes));
