/** The coordinator contract against the embedded server, over the wire. */
import { afterAll, beforeAll } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { coordinatorContract } from './coordinator-contract.ts';
import { wireBenches } from './wire-bench.ts';

const TICK_MS = 100;
let server: EmbeddedServer;
beforeAll(async () => {
  server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: TICK_MS });
});
afterAll(() => server.close());

coordinatorContract(
  'the embedded server',
  wireBenches({ ports: () => [server.port], sessionTimeoutMs: 10 * TICK_MS, tickMs: TICK_MS }),
);
