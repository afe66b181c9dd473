/**
 * A process of its own for the case `in-process`: the embedded server and three brokers of a checkout.
 * Arguments: the checkout, a directory for the logs. Says in one line of JSON when they serve; ends at SIGTERM.
 */
import { join } from 'node:path';
import type { startEmbeddedServer } from '../../../coordinator-client/embedded/server.ts';
import type { startCluster } from '../../../test/kit/cluster.ts';

const BROKERS = 3;
const TICK_MS = 100;
const SESSION_LIMIT_MS = 60_000;

const [checkout = '', directory = ''] = process.argv.slice(2);
const ended = new Promise((resolve) => process.once('SIGTERM', resolve));
const embedded = (await import(join(checkout, 'coordinator-client', 'embedded', 'server.ts'))) as {
  startEmbeddedServer: typeof startEmbeddedServer;
};
const kit = (await import(join(checkout, 'test', 'kit', 'cluster.ts'))) as {
  startCluster: typeof startCluster;
};

const beginMs = performance.now();
const limits = { tickMs: TICK_MS, minSessionTimeoutMs: TICK_MS, maxSessionTimeoutMs: SESSION_LIMIT_MS };
const server = await embedded.startEmbeddedServer({ host: '127.0.0.1', port: 0, ...limits });
const zookeeper = `127.0.0.1:${server.port}`;
const cluster = await kit.startCluster({ brokers: BROKERS, zookeeper, directory });
const callMs = performance.now() - beginMs;
console.log(JSON.stringify({ bootstrapServers: cluster.bootstrapServers, callMs }));

await ended;
await cluster.close();
await server.close();
process.exit();
