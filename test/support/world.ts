/**
 * The world that every test inside one process runs in: time, chance, the network, the disks and the tree
 * in the place of ZooKeeper, all from one seed. No rig puts these together for itself.
 *
 * Time is virtual and passes only when it is told to. In a flowing world what is due happens by itself as
 * soon as the test waits for anything, so that promises can simply be awaited; time stands still there too.
 */
import { lineDiagnostics } from '../../broker/platform/diagnostics.ts';
import { createJournal } from '../../broker/platform/journal.ts';
import { createMetrics } from '../../broker/platform/metrics.ts';
import type { Platform } from '../../broker/platform/platform.ts';
import type { Random } from '../../broker/platform/random.ts';
import { workersInPlace } from '../../broker/platform/workers.ts';
import {
  type LocalSource,
  type LocalSourceOptions,
  localSource,
} from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { simulatedRandom } from './simulated-random.ts';

interface WorldOptions {
  readonly seed?: number;
  /** How long a message takes between two hosts, at least and at most; may be drawn from the seed. */
  readonly latencyMs?: readonly [number, number] | ((random: Random) => readonly [number, number]);
  /** After so long without hearing anything a channel is closed. */
  readonly silenceLimitMs?: number;
}

const DEFAULT_HOST = 'host1';
const DEFAULT_LATENCY_MS = [0.1, 1] as const;
const SESSION_TIMEOUT_MS = 2000;
const OPEN_TIMEOUT_MS = 1000;
/** So much virtual time is enough for whatever a test waits for. */
const LIMIT_MS = 60_000;

export class World {
  readonly clock = new SimulatedClock();
  readonly tree = new LocalTree();
  readonly random: Random;
  /** What all processes have said, down to infos, each line with its host. */
  readonly lines: string[] = [];
  readonly network: SimulatedNetwork;
  readonly #disks = new Map<string, SimulatedDisk>();

  constructor({ seed = 1, latencyMs = DEFAULT_LATENCY_MS, silenceLimitMs }: WorldOptions = {}) {
    this.random = simulatedRandom(seed);
    const random = this.fork();
    const [minLatencyMs, maxLatencyMs] = typeof latencyMs === 'function' ? latencyMs(this.random) : latencyMs;
    const silence = silenceLimitMs === undefined ? {} : { silenceLimitMs };
    this.network = new SimulatedNetwork({
      clock: this.clock,
      random,
      minLatencyMs,
      maxLatencyMs,
      ...silence,
    });
  }

  /** A world in which what is due happens by itself. */
  static flowing(options: WorldOptions = {}): World {
    const world = new World(options);
    world.clock.flow();
    return world;
  }

  /** Chance of its own for one part of the world, so that parts don't disturb each other. */
  fork(): Random {
    return simulatedRandom(this.random.int(2 ** 48));
  }

  /** The disk of a host, which outlives the processes on it. */
  disk(host = DEFAULT_HOST): SimulatedDisk {
    const disk = this.#disks.get(host) ?? new SimulatedDisk({ clock: this.clock });
    this.#disks.set(host, disk);
    return disk;
  }

  /** Everything a process on that host may use; what is given in `own` instead of the world's. */
  platform(host = DEFAULT_HOST, own: Partial<Platform> = {}): Platform & { readonly disk: SimulatedDisk } {
    const clock = own.clock ?? this.clock;
    const diagnostics =
      own.diagnostics ?? lineDiagnostics(clock, (line) => this.lines.push(`${host} ${line}`), 'info');
    return {
      random: own.random ?? this.fork(),
      metrics: createMetrics(),
      workers: workersInPlace(clock),
      journal: own.journal ?? createJournal(clock, diagnostics),
      ...this.network.host(host),
      ...own,
      clock,
      diagnostics,
      disk: this.disk(host),
    };
  }

  /** Sessions on the tree, which answers at once unless `delayMs` says otherwise. */
  source(own: Partial<LocalSourceOptions> = {}): LocalSource {
    const { clock, tree, random } = this;
    return localSource({ clock, tree, random, sessionTimeoutMs: SESSION_TIMEOUT_MS, ...own });
  }

  /** A session of its own on a tree that has Kafka's top-level paths. */
  async store(source: LocalSource = this.source()): Promise<ClusterStore> {
    const store = new ClusterStore(await this.settled(source.open(OPEN_TIMEOUT_MS)));
    await this.settled(store.ensureTopLevelPaths());
    return store;
  }

  /** Lets time pass until the promise is settled, and gives what it came to. */
  settled<T>(promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
    return this.clock.runUntilSettled(promise, limitMs);
  }

  /** Lets time pass until the condition holds. */
  until(holds: () => boolean, limitMs = LIMIT_MS): Promise<void> {
    return this.clock.runUntilTrue(holds, limitMs);
  }

  /** Lets time pass. */
  pass(durationMs: number): Promise<void> {
    return this.clock.runFor(durationMs);
  }
}
