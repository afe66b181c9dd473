/** The coordinator contract against a real ZooKeeper ensemble of three servers. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type Ensemble, ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { coordinatorContract } from './coordinator-contract.ts';
import { wireBenches } from './wire-bench.ts';

const TICK_MS = 250;
const lacking = ensembleLacks();
if (lacking !== null) console.log(`skipped: the coordinator contract on a real ensemble: ${lacking}`);

describe.skipIf(lacking !== null)('over the wire', () => {
  let ensemble: Ensemble;
  beforeAll(async () => {
    ensemble = await startEnsemble({ nodes: 3, tickMs: TICK_MS });
  });
  afterAll(() => ensemble.close());

  coordinatorContract(
    'a real ZooKeeper ensemble',
    wireBenches({ ports: () => ensemble.ports, sessionTimeoutMs: 4 * TICK_MS, tickMs: TICK_MS }),
  );
});
