/** `odradek cluster`: what quickstart starts, without the tour. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterOptionSpecs, clusterOptions, untilInterrupted } from '../cluster/cluster-options.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import type { Arguments, CommandSpec } from './arguments.ts';

export const clusterCommand: CommandSpec = {
  name: 'cluster',
  summary: 'Runs ZooKeeper (embedded unless an ensemble is given) and several brokers until Ctrl-C.',
  options: clusterOptionSpecs,
  run,
};

async function run(given: Arguments): Promise<number> {
  const options = await clusterOptions(given);
  const kept = given.text('data-dir');
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'odradek-'));
  const startedMs = performance.now();
  let cluster: LocalCluster | null = null;
  const interrupted = untilInterrupted();
  try {
    const starting = LocalCluster.start({ ...options, directory, progress: (line) => console.log(line) });
    cluster = await starting;
    console.log(`bootstrap.servers=${cluster.bootstrapServers}`);
    console.log(
      `ready in ${((performance.now() - startedMs) / 1000).toFixed(2)} s; data in ${directory}; Ctrl-C ends it`,
    );
    await interrupted;
    return 0;
  } finally {
    if (kept === null) await cluster?.abandon();
    else await cluster?.close();
    if (kept === null) rmSync(directory, { recursive: true, force: true });
  }
}
