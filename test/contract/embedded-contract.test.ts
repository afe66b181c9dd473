/** The coordinator contract against the embedded server, in memory and in a directory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { coordinatorContract } from './coordinator-contract.ts';
import { wireBenches } from './wire-bench.ts';

const TICK_MS = 100;
/** Who is cut off comes back within it, also on a busy machine. */
const SESSION_TIMEOUT_MS = 6000;

describe.each(['in memory', 'in a directory'])('over the wire, %s', (where) => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-embedded-'));
  let server: EmbeddedServer;
  beforeAll(async () => {
    const kept = where === 'in memory' ? {} : { dataDir: directory };
    server = await startEmbeddedServer({
      ...{ host: '127.0.0.1', port: 0, tickMs: TICK_MS, maxSessionTimeoutMs: SESSION_TIMEOUT_MS },
      ...kept,
    });
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  coordinatorContract(
    `the embedded server ${where}`,
    wireBenches({ ports: () => [server.port], sessionTimeoutMs: SESSION_TIMEOUT_MS, tickMs: TICK_MS }),
  );
});
