/**
 * Odradek's brokers to drill on: three processes with the fault API, on the embedded ZooKeeper or, if the drill
 * wants to hurt that as well, on three servers; or a cluster that runs already, and runs on afterwards.
 */
import { FAULT_KINDS } from '../../broker/faults/fault-table.ts';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import { type BrokerFaults, faultsAt, type HeldFaults } from '../../test/kit/http/fault-client.ts';
import type { Ensemble } from '../../test/support/ensemble.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import { type ClusterOptions, LocalCluster } from '../cluster/local-cluster.ts';
import { BrokerViews } from './broker-views.ts';
import type { Drill } from './drill.ts';
import { BROKERS, DRILL_PROPERTIES, type DrilledCluster, SESSION_TIMEOUT_MS } from './drilled-cluster.ts';
import { DrilledEnsemble, startDrilledEnsemble } from './drilled-ensemble.ts';

const STOP_MS = 20_000;
/** People practise on machines that do something else as well. */
const START_MS = 90_000;
/** Longer than any drill needs it, and its end in case nobody is left to end it. */
const PAUSE_MS = 60_000;

interface StartOptions {
  readonly directory: string;
  /** Aborted: what has begun to start is killed, and `start` rejects. */
  readonly signal: AbortSignal;
  /** Where clients are told that a broker is, by its id; left out: where it is. */
  readonly advertisedPort?: (id: number) => number;
  /** More of all brokers. */
  readonly properties?: Readonly<Record<string, string>>;
}

export class OwnCluster implements DrilledCluster {
  readonly keepsJournals = true;
  readonly cluster: LocalCluster;
  readonly #ensemble: DrilledEnsemble;
  readonly #views: BrokerViews;
  /** Of all brokers, through all of their lives, in the order in which they were heard. */
  readonly events: Recorded[] = [];
  readonly #held = new Map<number, HeldFaults>();
  readonly #paused = new Set<number>();
  readonly #isLent: boolean;

  private constructor(cluster: LocalCluster, ensemble: Ensemble | null, isLent: boolean) {
    this.cluster = cluster;
    this.#isLent = isLent;
    this.#ensemble = new DrilledEnsemble(ensemble);
    this.#views = new BrokerViews(() => this.#talking());
    for (const id of this.ids) this.#listen(id);
  }

  static async start(drill: Drill, options: StartOptions): Promise<OwnCluster> {
    const { directory, signal, advertisedPort, properties } = options;
    const ensemble = drill.needsEnsemble ? await startDrilledEnsemble(signal) : null;
    try {
      const wanted = {
        brokers: BROKERS,
        basePort: 0,
        directory,
        zookeeper: ensemble?.connect ?? null,
        zookeeperPort: 0,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        startTimeoutMs: START_MS,
        properties: { 'fault.api.enable': 'true', ...DRILL_PROPERTIES, ...properties, ...drill.properties },
        ...(advertisedPort === undefined ? {} : { advertisedPort }),
      };
      return new OwnCluster(await startedUnless(signal, wanted), ensemble, false);
    } catch (error) {
      await ensemble?.close();
      throw error;
    }
  }

  /** What was done to it is taken back by `close`, and no more. */
  static lent(cluster: LocalCluster): OwnCluster {
    return new OwnCluster(cluster, null, true);
  }

  get bootstrapServers(): string {
    return this.cluster.bootstrapServers;
  }

  /** Of a broker for clients; another one after a restart, perhaps. */
  portOf(id: number): number {
    return this.cluster.broker(id).port;
  }

  get ids(): readonly number[] {
    return this.cluster.brokers.map(({ id }) => id);
  }

  get admin(): AdminClient {
    return this.#views.admin;
  }

  views(): ReturnType<BrokerViews['all']> {
    return this.#views.all();
  }

  newest(): ReturnType<BrokerViews['newest']> {
    return this.#views.newest();
  }

  zookeeperLeader(): Promise<number> {
    return this.#ensemble.leader();
  }

  isAlive(id: number): boolean {
    return this.cluster.broker(id).child.ended === null;
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

  killServer(server: number): Promise<void> {
    return this.#ensemble.kill(server);
  }

  pauseServer(server: number): void {
    this.#ensemble.pause(server);
  }

  startServer(server: number): Promise<void> {
    return this.#ensemble.start(server);
  }

  /** Everything that was done is taken back: dead ones start, paused ones go on, faults end. */
  async heal(): Promise<void> {
    await this.#ensemble.heal();
    for (const id of [...this.#paused]) this.resume(id);
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(held.map((faults) => faults.release()));
    await Promise.all(this.ids.map((id) => this.start(id)));
  }

  async close(): Promise<void> {
    this.#views.close();
    if (this.#isLent) return this.heal();
    for (const id of [...this.#paused]) this.resume(id);
    await this.cluster.abandon();
    await this.#ensemble.close();
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

  #talking(): readonly { readonly id: number; readonly address: string }[] {
    return this.cluster.brokers
      .filter(({ id }) => this.isAlive(id) && !this.#paused.has(id))
      .map(({ id, port }) => ({ id, address: `127.0.0.1:${port}` }));
  }
}

/** Killed in the middle of its start when it is not wanted any more: then it rejects. */
async function startedUnless(signal: AbortSignal, options: ClusterOptions): Promise<LocalCluster> {
  let abandon = (): void => {};
  try {
    return await LocalCluster.start(options, (made) => {
      abandon = () => void made.abandon();
      signal.addEventListener('abort', abandon);
      if (signal.aborted) abandon();
    });
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** There is nothing to be healed of it. */
function isMomentary(fault: string): boolean {
  return FAULT_KINDS.find(({ name }) => name === fault)?.isMomentary === true;
}
