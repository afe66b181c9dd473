/**
 * The contract of coordinator-client/coordinator.ts, sentence by sentence, for every implementation.
 * A suite calls it with a way to make sources over one shared world.
 */
import { describe } from 'vitest';
import type { MakeBench } from './bench.ts';
import { describeCommits } from './commit-contract.ts';
import { describeFaults } from './fault-contract.ts';
import { describeNodes } from './node-contract.ts';
import { describeWatches } from './watch-contract.ts';

export function coordinatorContract(name: string, makeBench: MakeBench): void {
  describe(`the coordinator contract, ${name}`, () => {
    let count = 0;
    /** Every test works below a path of its own. */
    const freshPath = (): string => `/contract-${count++}`;
    describeNodes(makeBench, freshPath);
    describeCommits(makeBench, freshPath);
    describeWatches(makeBench, freshPath);
    describeFaults(makeBench, freshPath);
  });
}
