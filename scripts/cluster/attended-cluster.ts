/**
 * A cluster that somebody started by hand: it runs until they have enough, and then everything of it ends
 * in order, whoever was signalled and however early. Data that nobody asked to keep is removed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchOver } from '../../test/kit/watchdog.ts';
import type { Arguments } from '../cli/arguments.ts';
import { print, untilOutputFails } from '../cli/output.ts';
import { BeforeTheEnd } from './before-the-end.ts';
import { clusterOptions } from './cluster-options.ts';
import { INTERRUPTED_STATUS, untilSignalled } from './ending.ts';
import { type ClusterOptions, LocalCluster } from './local-cluster.ts';

interface AttendedCluster {
  readonly cluster: LocalCluster;
  /** `1.26 s`: how long it took to start. */
  readonly startedIn: string;
  /** Where its data is. */
  readonly directory: string;
  /** Resolves when the user has enough; until then the exit status tells of an interruption. */
  untilInterrupted(status: number): Promise<void>;
  /**
   * What ends before the cluster does, which starts nothing any more by then: at once, if it is ending already. It is
   * waited for, but not long, and whether it rejects makes no difference.
   */
  beforeTheEnd(work: () => Promise<void>): void;
}

interface AttendOptions {
  /** Told before anything is started. */
  readonly starting?: (brokers: number, where: string) => void;
  /** What is done with the cluster once it is ready; the exit status. */
  readonly ready: (attended: AttendedCluster) => Promise<number>;
}

/** What there is to be ended. */
interface Parts {
  cluster: LocalCluster | null;
  readonly before: BeforeTheEnd;
  /** A directory that nobody asked for. */
  readonly temporary: string | null;
  /** Removes that when this process is killed. */
  readonly watchdog: { dismiss(): void } | null;
}

/** So long what runs beside the cluster may take to end: its processes are killed. */
const BEFORE_LIMIT_MS = 10_000;
/** When their parent is gone they end by themselves. */
const BROKERS_END_IN_S = 2;

/** Resolves with the exit status, when nothing of the cluster runs any more. */
export async function attendCluster(given: Arguments, { starting, ready }: AttendOptions): Promise<number> {
  const options = await clusterOptions(given);
  const kept = given.text('data-dir');
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'odradek-'));
  const parts: Parts = {
    cluster: null,
    before: new BeforeTheEnd(),
    temporary: kept === null ? directory : null,
    watchdog: kept === null ? watchOver(directory, BROKERS_END_IN_S) : null,
  };
  let status = INTERRUPTED_STATUS;
  let isEnding = false;
  const interrupted = untilInterrupted(parts);
  const run = async (): Promise<void> => {
    starting?.(options.brokers, `${zookeeperOf(options)} in ${directory}`);
    const startedMs = performance.now();
    const started = await LocalCluster.start(
      { ...options, directory, progress: say, askedToEnd: interrupted.now },
      (made) => {
        parts.cluster = made;
      },
    );
    const done = await ready({
      cluster: started,
      directory,
      startedIn: `${((performance.now() - startedMs) / 1000).toFixed(2)} s`,
      untilInterrupted(reached) {
        if (!isEnding) status = reached;
        return interrupted.promise;
      },
      beforeTheEnd: (work) => parts.before.add(work),
    });
    if (!isEnding) status = done;
  };
  try {
    await Promise.race([run(), interrupted.promise, untilOutputFails()]);
  } finally {
    isEnding = true;
    await end(parts);
  }
  return status;
}

/** Somebody has had enough, of this process or (`now`) of one that it has started. */
function untilInterrupted(parts: Parts): { readonly promise: Promise<void>; readonly now: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  void promise.then(() => say('\nending the cluster'));
  void untilSignalled(() => void parts.cluster?.abandon()).then(resolve);
  return { promise, now: resolve };
}

function zookeeperOf({ zookeeper, zookeeperServers = 0 }: Omit<ClusterOptions, 'directory'>): string {
  if (zookeeper !== null) return `on ${zookeeper}`;
  if (zookeeperServers === 0) return 'with an embedded ZooKeeper';
  return `with ${zookeeperServers} ZooKeeper ${zookeeperServers === 1 ? 'server' : 'servers'}`;
}

/** A line for the user; that nobody reads them is noticed elsewhere. */
export function say(line: string): void {
  print(line).catch(() => {});
}

/** Ends the processes; a directory that nobody asked for goes with them. */
async function end({ cluster, before, temporary, watchdog }: Parts): Promise<void> {
  cluster?.startNothingMore();
  await before.end(BEFORE_LIMIT_MS);
  if (temporary === null) return cluster?.close();
  await cluster?.abandon();
  rmSync(temporary, { recursive: true, force: true });
  watchdog?.dismiss();
}
