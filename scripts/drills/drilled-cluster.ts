/**
 * The cluster that a drill is run on: three broker processes with the fault API, on the embedded ZooKeeper or, if the
 * drill wants to hurt that as well, on three servers. All that was done to it can be taken back by `heal`, and
 * ends with this process however it ends.
 */

import { FAULT_KINDS } from '../../broker/faults/fault-table.ts';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import { type BrokerFaults, faultsAt, type HeldFaults } from '../../test/kit/http/fault-client.ts';
import { type Ensemble, startEnsemble } from '../../test/support/ensemble.ts';
import { AdminClient, type ClusterMetadata } from '../cli/admin-client.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import type { Drill } from './drill.ts';

export const BROKERS = 3;
const SESSION_TIMEOUT_MS = 3000;
const SERVERS = 3;
const TICK_MS = 500;
const STOP_MS = 20_000;
/** Longer than any drill needs it, and its end in case nobody is left to end it. */
const PAUSE_MS = 60_000;
const ANSWER_TIMEOUT_MS = 2000;

const PROPERTIES = {
  'fault.api.enable': 'true',
  'offsets.topic.num.partitions': '6',
  'transaction.state.log.num.partitions': '6',
  'transaction.state.log.replication.factor': '3',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  // Leaders stay where the drill has put them; it is the drill that moves them.
  'auto.leader.rebalance.enable': 'false',
  // A follower that is silent is left out while somebody watches.
  'replica.lag.time.max.ms': '4000',
};

interface StartOptions {
  readonly directory: string;
  readonly progress: (line: string) => void;
}

export class DrilledCluster {
  readonly cluster: LocalCluster;
  readonly ensemble: Ensemble | null;
  readonly admin: AdminClient;
  /** Of all brokers, through all of their lives, in the order in which they were heard. */
  readonly events: Recorded[] = [];
  /** One for each broker, which is asked for what it knows itself. */
  readonly #admins = new Map<number, AdminClient>();
  readonly #held = new Map<number, HeldFaults>();
  readonly #paused = new Set<number>();
  readonly #pausedServers = new Set<number>();
  readonly #deadServers = new Set<number>();

  private constructor(cluster: LocalCluster, ensemble: Ensemble | null) {
    this.cluster = cluster;
    this.ensemble = ensemble;
    this.admin = new AdminClient(() => this.#answering(), 'odradek-drill');
    for (const id of this.ids) this.#listen(id);
  }

  static async start(drill: Drill, { directory, progress }: StartOptions): Promise<DrilledCluster> {
    const ensemble = drill.needsEnsemble ? await startEnsemble({ nodes: SERVERS, tickMs: TICK_MS }) : null;
    try {
      const cluster = await LocalCluster.start({
        brokers: BROKERS,
        basePort: 0,
        directory,
        zookeeper: ensemble?.connect ?? null,
        zookeeperPort: 0,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        properties: { ...PROPERTIES, ...drill.properties },
        progress,
      });
      return new DrilledCluster(cluster, ensemble);
    } catch (error) {
      await ensemble?.close();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return this.cluster.bootstrapServers;
  }

  get ids(): readonly number[] {
    return this.cluster.brokers.map(({ id }) => id);
  }

  isAlive(id: number): boolean {
    return this.cluster.broker(id).child.ended === null;
  }

  /** What each broker that lives and does not stand still says of the cluster; null: it does not answer. */
  views(): Promise<readonly { readonly id: number; readonly seen: ClusterMetadata | null }[]> {
    return Promise.all(
      this.#talking().map(async ({ id, port }) => {
        const own = this.#adminOf(id, port);
        return { id, seen: await own.metadata(null).catch(() => null) };
      }),
    );
  }

  /** The newest of these: a broker that is cut off goes on telling what it knew. Rejects when nobody answers. */
  async newest(): Promise<ClusterMetadata> {
    const views = (await this.views()).flatMap(({ seen }) => seen ?? []);
    const [newest] = views.sort((a, b) => epochsOf(b) - epochsOf(a));
    if (newest === undefined) throw new Error('no broker answers');
    return newest;
  }

  async kill(id: number): Promise<void> {
    this.#held.delete(id);
    this.#paused.delete(id);
    await this.cluster.broker(id).child.kill();
  }

  async stop(id: number): Promise<void> {
    this.#held.delete(id);
    await this.cluster.broker(id).child.stop(STOP_MS);
  }

  async start(id: number): Promise<void> {
    if (this.isAlive(id)) return;
    await this.cluster.restart(id);
    this.#listen(id);
  }

  /** SIGSTOP. A cluster that this process leaves behind goes on by itself: the fault has an end of its own. */
  async pause(id: number): Promise<void> {
    this.#paused.add(id);
    await this.#faults(id).strike('pause', { forMs: PAUSE_MS });
  }

  resume(id: number): void {
    if (this.#paused.delete(id)) this.cluster.broker(id).child.resume();
  }

  /** A fault of the fault API; it ends with this process, and with `heal`. */
  async strike(id: number, fault: string, given: Readonly<Record<string, unknown>>): Promise<void> {
    const striker = isMomentary(fault) ? this.#faults(id) : await this.#heldAt(id);
    // The names and parameters stand in a file: the broker checks them, as it does anybody's.
    await (striker.strike as (name: string, what: object) => Promise<unknown>)(fault, given);
  }

  async killServer(server: number): Promise<void> {
    this.#deadServers.add(server);
    await this.#needEnsemble().kill(server);
  }

  pauseServer(server: number): void {
    this.#pausedServers.add(server);
    this.#needEnsemble().stop(server);
  }

  async startServer(server: number): Promise<void> {
    if (this.#pausedServers.delete(server)) this.#needEnsemble().cont(server);
    if (this.#deadServers.delete(server)) await this.#needEnsemble().start(server);
  }

  /** Everything that was done is taken back: dead ones start, paused ones go on, faults end. */
  async heal(): Promise<void> {
    await Promise.all(
      [...this.#pausedServers, ...this.#deadServers].map((server) => this.startServer(server)),
    );
    for (const id of [...this.#paused]) this.resume(id);
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(held.map((faults) => faults.release()));
    await Promise.all(this.ids.map((id) => this.start(id)));
  }

  async close(): Promise<void> {
    this.admin.close();
    for (const admin of this.#admins.values()) admin.close();
    for (const id of [...this.#paused]) this.resume(id);
    await this.cluster.abandon();
    await this.ensemble?.close();
  }

  /** Each life of a broker has events of its own. */
  #listen(id: number): void {
    const { events } = this.cluster.broker(id).child;
    this.events.push(...events.since(0));
    events.onEvent((recorded) => this.events.push(recorded));
  }

  async #heldAt(id: number): Promise<HeldFaults> {
    const held = this.#held.get(id) ?? (await this.#faults(id).hold());
    this.#held.set(id, held);
    return held;
  }

  #faults(id: number): BrokerFaults {
    return faultsAt(`http://127.0.0.1:${this.cluster.broker(id).peerPort}`);
  }

  #talking(): readonly { readonly id: number; readonly port: number }[] {
    return this.cluster.brokers.filter(({ id }) => this.isAlive(id) && !this.#paused.has(id));
  }

  #answering(): string {
    return this.#talking()
      .map(({ port }) => `127.0.0.1:${port}`)
      .join(',');
  }

  #adminOf(id: number, port: number): AdminClient {
    const known = this.#admins.get(id);
    if (known !== undefined) return known;
    const waits = { patienceMs: 0, answerTimeoutMs: ANSWER_TIMEOUT_MS };
    const made = new AdminClient(`127.0.0.1:${port}`, 'odradek-drill', waits);
    this.#admins.set(id, made);
    return made;
  }

  #needEnsemble(): Ensemble {
    if (this.ensemble === null)
      throw new Error("this drill hurts ZooKeeper: it has to say 'needs: ensemble'");
    return this.ensemble;
  }
}

/** There is nothing to be healed of it. */
function isMomentary(fault: string): boolean {
  return FAULT_KINDS.find(({ name }) => name === fault)?.isMomentary === true;
}

/** Leader epochs only rise. */
function epochsOf({ topics }: ClusterMetadata): number {
  return topics
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { leaderEpoch }) => sum + leaderEpoch, 0);
}
