/** The coordinator contract on the tree in this process. */

import { systemClock } from '../../broker/platform/clock.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { coordinatorContract } from './coordinator-contract.ts';

const tree = new LocalTree();

coordinatorContract('the tree in this process', async () => {
  const source = localSource({ tree, clock: systemClock, sessionTimeoutMs: 2_000, delayMs: 1 });
  return {
    source,
    faults: {
      suspend: () => source.partition(),
      resume: () => source.heal(),
      expire: async (coordinator: Coordinator) => {
        source.expire(coordinator.sessionId);
        source.heal();
      },
      dropNextAnswer: (coordinator: Coordinator) => source.dropNextAnswer(coordinator.sessionId),
    },
    close: async () => {},
  };
});
