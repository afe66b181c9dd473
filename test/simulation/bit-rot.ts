/**
 * One bit of what a broker has stored turns over, as a fault of the nemesis. It strikes a healthy cluster only, in
 * what every in-sync replica has, and nothing else happens until all replicas are sound again: whoever is given it
 * can tell, and has others to ask. The broker is left alone with it, or killed, or stopped cleanly; in the end an
 * operator does what has to be done with Kafka as well, where nothing has been mended by the way: what has rotted is
 * removed while its broker is down.
 *
 * Only what a checksum covers, or what can't be what it then seems to be: of files without a checksum (checkpoints,
 * indexes of aborted transactions) a bit that makes them malformed, and of a batch nothing by which it is found (base
 * offset, length, leader epoch, last offset). Nobody notices those, neither here nor in Kafka.
 */

import type { Random } from '../../broker/platform/random.ts';
import { batchLastOffset, batchSizeBytes, completeBatches } from '../../broker/records/batch.ts';
import { type Fault, isHealthy, isInSync } from './fault.ts';
import { observeTree } from './observation.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** Replicas that hold what has rotted, and from which offset on they are sound. */
export class Rotten {
  readonly #soundFrom = new Map<string, number>();
  /** How often a client was given what it could tell was damaged. */
  noticed = 0;
  /** Files that were hit, by their kind. */
  readonly struck: string[] = [];

  /** 0 where nothing has rotted. */
  soundFrom(brokerId: number, partition: string): number {
    return this.#soundFrom.get(`${brokerId} ${partition}`) ?? 0;
  }

  add(brokerId: number, partition: string, soundFrom: number): void {
    this.#soundFrom.set(`${brokerId} ${partition}`, soundFrom);
  }

  remove(brokerId: number, partition: string): void {
    this.#soundFrom.delete(`${brokerId} ${partition}`);
  }
}

type Kind = 'log' | 'index' | 'timeindex' | 'snapshot' | 'txnindex' | 'checkpoint';

interface Place {
  readonly kind: Kind;
  readonly path: string;
  readonly positionBytes: number;
  readonly bit: number;
  /** Of a log: whose, and where the batch ends. */
  readonly partition?: { readonly name: string; readonly directory: string; readonly soundFrom: number };
}

interface HostedLog {
  readonly name: string;
  readonly directory: string;
  readonly highWatermark: number;
}

const KINDS: readonly Kind[] = [
  'log',
  'log',
  'log',
  'log',
  'index',
  'timeindex',
  'snapshot',
  'txnindex',
  'checkpoint',
];
const CHECKPOINTS = [
  '/data/replication-offset-checkpoint',
  '/data/recovery-point-offset-checkpoint',
  '/data/log-start-offset-checkpoint',
];
/** Of a batch: from the checksum on, but for the last offset. */
const CHECKSUM_AT = 17;
const LAST_OFFSET_AT = 23;
const AFTER_LAST_OFFSET = 27;
const ABORTED_ENTRY_BYTES = 34;
/** What makes a character none. */
const HIGHEST_BIT = 7;
const LONGEST_WAIT_MS = 1500;
const ASK_AGAIN_MS = 100;
const STOP_LIMIT_MS = 4000;
/** So much around the bit tells whether it is still there. */
const WINDOW_BYTES = 32;

export class BitRot implements Fault {
  readonly name: string;
  readonly losesData = true;
  readonly #cluster: SimulatedCluster;
  readonly #id: number;
  readonly #place: Place;
  readonly #rotten: Rotten;
  readonly #how: 'left alone' | 'killed' | 'stopped';
  readonly #waitMs: number;
  /** May be back before the others have noticed. */
  readonly #atOnce: boolean;
  #window: Buffer = Buffer.alloc(0);
  #stoppingMs = 0;
  #isHurt: boolean;
  #isMended = false;

  /** null when there is nothing to strike. */
  static of(cluster: SimulatedCluster, id: number, random: Random, rotten: Rotten): BitRot | null {
    const place = placeOn(cluster, id, random);
    return place === null ? null : new BitRot(cluster, id, place, { random, rotten });
  }

  private constructor(
    cluster: SimulatedCluster,
    id: number,
    place: Place,
    { random, rotten }: { readonly random: Random; readonly rotten: Rotten },
  ) {
    this.#cluster = cluster;
    this.#id = id;
    this.#place = place;
    this.#rotten = rotten;
    // Of itself a broker reads nothing but its logs while it lives.
    const ways =
      place.kind === 'log'
        ? (['left alone', 'killed', 'stopped'] as const)
        : (['killed', 'stopped'] as const);
    this.#how = ways[random.int(ways.length)] ?? 'killed';
    this.#isHurt = this.#how === 'left alone';
    this.#waitMs = random.int(LONGEST_WAIT_MS);
    this.#atOnce = random.int(2) === 0 && observeTree(cluster.tree).controllerId !== id;
    this.name = `rot on ${id}: bit ${place.bit} of byte ${place.positionBytes} of ${place.path}, ${this.#how}`;
  }

  start(): void {
    const { disk } = this.#cluster.machine(this.#id);
    const { path, positionBytes, bit, partition, kind } = this.#place;
    disk.rot(path, positionBytes, bit);
    this.#window = this.#read();
    this.#rotten.struck.push(kind);
    if (partition !== undefined) this.#rotten.add(this.#id, partition.name, partition.soundFrom);
    this.#cluster.clock.after(this.#waitMs, () => this.#hurt());
  }

  end(): boolean {
    const cluster = this.#cluster;
    if (!this.#isHurt) return false;
    if (!this.#isUp()) return false;
    if (this.#isThere() && !this.#isMended) {
      this.#isMended = true;
      this.#mend();
      return false;
    }
    if (!isHealthy(cluster)) return false;
    const { partition } = this.#place;
    if (partition !== undefined) this.#rotten.remove(this.#id, partition.name);
    return true;
  }

  #hurt(): void {
    if (this.#isHurt) return;
    this.#isHurt = true;
    const cluster = this.#cluster;
    if (cluster.machine(this.#id).status !== 'running') return;
    if (this.#how === 'killed') cluster.crash(this.#id, 'all');
    else void cluster.stop(this.#id);
    this.#startWhenItMay();
  }

  #startWhenItMay(): void {
    this.#cluster.clock.after(ASK_AGAIN_MS, () => {
      if (!this.#isUp()) this.#startWhenItMay();
    });
  }

  /** Does what it takes to bring the broker back; true once it runs. */
  #isUp(): boolean {
    const cluster = this.#cluster;
    const { status } = cluster.machine(this.#id);
    if (status === 'stopping') {
      this.#stoppingMs += ASK_AGAIN_MS;
      if (this.#stoppingMs > STOP_LIMIT_MS) cluster.crash(this.#id, 'all');
    }
    const mayStart = (this.#atOnce && !this.#isMended) || !isInSync(cluster, this.#id);
    if (status === 'down' && mayStart) cluster.start(this.#id);
    return status === 'running';
  }

  /** What an operator does about it. The others have it all; an empty replica must not come back before they know. */
  #mend(): void {
    const cluster = this.#cluster;
    const { kind, path, partition } = this.#place;
    const { disk } = cluster.machine(this.#id);
    if (kind !== 'log' && kind !== 'index' && kind !== 'timeindex') return;
    cluster.trace.add(`  ${path} of ${this.#id} is mended`);
    cluster.crash(this.#id, 'all');
    if (partition !== undefined) disk.removeTree(partition.directory);
    else disk.remove(path);
    this.#startWhenItMay();
  }

  /** It has been neither cut off nor written anew. */
  #isThere(): boolean {
    return this.#read().equals(this.#window);
  }

  #read(): Buffer {
    const { disk } = this.#cluster.machine(this.#id);
    const { path, positionBytes } = this.#place;
    if (disk.stat(path) === null) return Buffer.alloc(0);
    const from = Math.max(0, positionBytes - WINDOW_BYTES);
    return disk.readFile(path).subarray(from, positionBytes + 1);
  }
}

function placeOn(cluster: SimulatedCluster, id: number, random: Random): Place | null {
  const { broker, status } = cluster.machine(id);
  if (broker === null || status !== 'running') return null;
  const kind = KINDS[random.int(KINDS.length)] ?? 'log';
  const logs: HostedLog[] = [...broker.inside.replicas.partitions()].flatMap(({ log, key }) =>
    log === null || log.closed
      ? []
      : [{ name: key, directory: log.directory, highWatermark: log.highWatermark }],
  );
  const places = new Places(cluster, id, random);
  if (kind === 'log') return places.inBatch(logs);
  if (kind === 'checkpoint') return places.inCheckpoint(logs);
  return places.inFile(kind, logs);
}

class Places {
  readonly #cluster: SimulatedCluster;
  readonly #id: number;
  readonly #random: Random;

  constructor(cluster: SimulatedCluster, id: number, random: Random) {
    this.#cluster = cluster;
    this.#id = id;
    this.#random = random;
  }

  /** In a batch that is replicated. */
  inBatch(logs: readonly HostedLog[]): Place | null {
    const files = logs.flatMap((log) => this.#files(log, '.log').map((path) => ({ log, path })));
    const file = this.#one(files);
    if (file === null) return null;
    const { log, path } = file;
    const bytes = this.#disk.readFile(path);
    const batch = this.#one(
      [...completeBatches(bytes)].filter((at) => batchLastOffset(bytes, at) < log.highWatermark),
    );
    if (batch === null) return null;
    const spared = AFTER_LAST_OFFSET - LAST_OFFSET_AT;
    const drawn = CHECKSUM_AT + this.#random.int(batchSizeBytes(bytes, batch) - CHECKSUM_AT - spared);
    return {
      kind: 'log',
      path,
      positionBytes: batch + (drawn < LAST_OFFSET_AT ? drawn : drawn + spared),
      bit: this.#random.int(8),
      partition: { ...log, soundFrom: batchLastOffset(bytes, batch) + 1 },
    };
  }

  /** Anywhere in one of these, but for what has no checksum and no form. */
  inFile(kind: Kind, logs: readonly HostedLog[]): Place | null {
    const path = this.#one(logs.flatMap((log) => this.#files(log, `.${kind}`)));
    if (path === null) return null;
    const sizeBytes = this.#disk.stat(path)?.sizeBytes ?? 0;
    const isAborted = kind === 'txnindex';
    const entry = this.#random.int(Math.max(1, Math.floor(sizeBytes / ABORTED_ENTRY_BYTES)));
    const positionBytes = isAborted ? entry * ABORTED_ENTRY_BYTES : this.#random.int(sizeBytes);
    return { kind, path, positionBytes, bit: this.#random.int(8) };
  }

  inCheckpoint(logs: readonly HostedLog[]): Place | null {
    const paths = [...CHECKPOINTS, ...logs.map(({ directory }) => `${directory}/leader-epoch-checkpoint`)];
    const path = this.#one(paths.filter((one) => (this.#disk.stat(one)?.sizeBytes ?? 0) > 0));
    if (path === null) return null;
    const positionBytes = this.#random.int(this.#disk.stat(path)?.sizeBytes ?? 1);
    return { kind: 'checkpoint', path, positionBytes, bit: HIGHEST_BIT };
  }

  get #disk() {
    return this.#cluster.machine(this.#id).disk;
  }

  /** Those that are not empty. */
  #files({ directory }: HostedLog, suffix: string): string[] {
    if (this.#disk.stat(directory) === null) return [];
    return this.#disk
      .list(directory)
      .filter((name) => name.endsWith(suffix))
      .map((name) => `${directory}/${name}`)
      .filter((path) => (this.#disk.stat(path)?.sizeBytes ?? 0) > 0);
  }

  #one<T>(of: readonly T[]): T | null {
    return of.length === 0 ? null : (of[this.#random.int(of.length)] ?? null);
  }
}
