/**
 * A cluster that somebody started by hand: it runs until they have enough, and then everything of it ends
 * in order, whoever was signalled and however early. Data that nobody asked to keep is removed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Arguments } from '../cli/arguments.ts';
import { print, untilOutputFails } from '../cli/output.ts';
import { clusterOptions } from './cluster-options.ts';
import { INTERRUPTED_STATUS, untilSignalled } from './ending.ts';
import { LocalCluster } from './local-cluster.ts';

interface AttendedCluster {
  readonly cluster: LocalCluster;
  /** `1.26 s`: how long it took to start. */
  readonly startedIn: string;
  /** Where its data is. */
  readonly directory: string;
  /** Resolves when the user has enough; until then the exit status tells of an interruption. */
  untilInterrupted(status: number): Promise<void>;
}

interface AttendOptions {
  /** Told before anything is started. */
  readonly starting?: (brokers: number, where: string) => void;
  /** What is done with the cluster once it is ready; the exit status. */
  readonly ready: (attended: AttendedCluster) => Promise<number>;
}

/** Resolves with the exit status, when nothing of the cluster runs any more. */
export async function attendCluster(given: Arguments, { starting, ready }: AttendOptions): Promise<number> {
  const options = await clusterOptions(given);
  const kept = given.text('data-dir');
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'odradek-'));
  let cluster: LocalCluster | null = null;
  let status = INTERRUPTED_STATUS;
  let isEnding = false;
  let interrupt = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  void untilSignalled(() => void cluster?.abandon()).then(interrupt);
  const run = async (): Promise<void> => {
    const where = options.zookeeper === null ? 'with an embedded ZooKeeper' : `on ${options.zookeeper}`;
    starting?.(options.brokers, `${where} in ${directory}`);
    const startedMs = performance.now();
    const started = await LocalCluster.start(
      { ...options, directory, progress: say, askedToEnd: interrupt },
      (made) => {
        cluster = made;
      },
    );
    const done = await ready({
      cluster: started,
      directory,
      startedIn: `${((performance.now() - startedMs) / 1000).toFixed(2)} s`,
      untilInterrupted(reached) {
        if (!isEnding) status = reached;
        return interrupted;
      },
    });
    if (!isEnding) status = done;
  };
  try {
    await Promise.race([run(), interrupted, untilOutputFails()]);
  } finally {
    isEnding = true;
    await end(cluster, kept === null ? directory : null);
  }
  return status;
}

/** A line for the user; that nobody reads them is noticed elsewhere. */
export function say(line: string): void {
  print(line).catch(() => {});
}

/** Ends the processes; a directory that nobody asked for goes with them. */
async function end(cluster: LocalCluster | null, temporary: string | null): Promise<void> {
  if (temporary === null) return cluster?.close();
  await cluster?.abandon();
  rmSync(temporary, { recursive: true, force: true });
}
