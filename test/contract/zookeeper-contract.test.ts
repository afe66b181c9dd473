/** The coordinator contract against a real ZooKeeper ensemble of three servers. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type Ensemble, ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { coordinatorContract } from './coordinator-contract.ts';
import { wireBenches } from './wire-bench.ts';

const TICK_MS = 250;
/** Who is cut off comes back within it, also on a busy machine. */
const SESSION_TIMEOUT_MS = 6000;
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
    wireBenches({ ports: () => ensemble.ports, sessionTimeoutMs: SESSION_TIMEOUT_MS, tickMs: TICK_MS }),
  );
});
