/**
 * One broker of a test cluster through all of its lives: the same directory and the same ports, a new
 * Broker each time, on a platform that can be hurt.
 */
import { Broker } from '../../broker/broker.ts';
import type { BrokerConfig } from '../../broker/config/broker-config.ts';
import type { InterferenceSlot } from '../../broker/network/interference.ts';
import type { Clock, Timer } from '../../broker/platform/clock.ts';
import { lineDiagnostics } from '../../broker/platform/diagnostics.ts';
import type { Disk } from '../../broker/platform/disk.ts';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import { DiskRules } from '../../broker/platform/faulty/disk-rules.ts';
import { type Faults, faulty } from '../../broker/platform/faulty/faulty.ts';
import { faultyDisk } from '../../broker/platform/faulty/faulty-disk.ts';
import { Links } from '../../broker/platform/faulty/links.ts';
import { createJournal } from '../../broker/platform/journal.ts';
import { createMetrics } from '../../broker/platform/metrics.ts';
import type { Platform } from '../../broker/platform/platform.ts';
import { systemRandom } from '../../broker/platform/random.ts';
import { workersInPlace } from '../../broker/platform/workers.ts';
import type { Coordinator, CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../coordinator-client/local/local.ts';
import type { Agreement } from './agreement.ts';

/** What all members share. */
export interface MemberGround {
  readonly network: Pick<Platform, 'sockets' | 'channels'>;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly agreement: Agreement;
  readonly interference: () => InterferenceSlot;
  readonly log: (brokerId: number, line: string) => void;
  readonly recorded: (recorded: Recorded) => void;
}

/** As bound in the first life. */
export interface Bound {
  readonly ports: ReadonlyMap<string, number>;
  readonly peerPort: number;
}

export type MemberState = 'starting' | 'running' | 'paused' | 'stopped' | 'killed';

/** How long a port that was ours a moment ago may be somebody else's. */
const PORT_PATIENCE_MS = 5000;
const PORT_PAUSE_MS = 50;

/** One life. */
interface Life {
  readonly broker: Broker;
  readonly faults: Faults;
  readonly source: CoordinatorSource & Partial<LocalSource>;
  session: Coordinator | null;
  /** Rejects when it is killed; what it was in the middle of never ends by itself. */
  readonly killed: Promise<never>;
  readonly kill: () => void;
}

export class Member {
  readonly id: number;
  readonly links = new Links();
  /** What is done to its disk. */
  readonly diskRules = new DiskRules(() => systemRandom.fraction());
  /** How much longer what it says to ZooKeeper, and hears, takes. */
  zookeeperDelayMs = 0;
  readonly #ground: MemberGround;
  readonly #configOf: (bound: Bound | null) => BrokerConfig;
  #state: MemberState = 'stopped';
  #life: Life | null = null;
  #bound: Bound | null = null;
  #expiry: Timer | null = null;

  constructor(id: number, ground: MemberGround, configOf: (bound: Bound | null) => BrokerConfig) {
    this.id = id;
    this.#ground = ground;
    this.#configOf = configOf;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Of the present life, or of the last. */
  get broker(): Broker {
    if (this.#life === null) throw new Error(`broker ${this.id} has not been started`);
    return this.#life.broker;
  }

  get logDirs(): readonly string[] {
    return this.#configOf(this.#bound).logDirs;
  }

  get bound(): Bound {
    if (this.#bound === null) throw new Error(`broker ${this.id} has not been started`);
    return this.#bound;
  }

  /** Resolves when clients are served, on the ports of the first life. */
  async start(): Promise<void> {
    if (this.#state !== 'stopped' && this.#state !== 'killed') return;
    const before = this.#state;
    this.#state = 'starting';
    // Who restarts a process does it when its session is gone, or waits for that.
    this.#endSession();
    const deadlineMs = performance.now() + PORT_PATIENCE_MS;
    for (;;) {
      try {
        await this.#begin();
        break;
      } catch (error) {
        await this.#killLife();
        if (this.#state !== 'starting') throw error;
        const isTaken = this.#bound !== null && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!isTaken || performance.now() > deadlineMs) {
          this.#state = before;
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, PORT_PAUSE_MS));
      }
    }
    const { broker } = this;
    this.#bound ??= { ports: broker.ports, peerPort: broker.peerPort };
    this.#state = 'running';
  }

  /** The clean stop. */
  async stop(handOver = true): Promise<void> {
    if (this.#state === 'paused') this.resume();
    if (this.#state !== 'running') return;
    await this.#unlessKilled((broker) => broker.shutdown({ handOver }));
    await this.#killLife();
    this.#state = 'stopped';
  }

  /** kill -9. The others hear of it by its connections at once, by its session when that expires. */
  async kill(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'killed') return;
    this.#state = 'killed';
    await this.#killLife();
    const { agreement } = this.#ground;
    // On an ensemble nobody but its owner can end a session, and it would live on in this process.
    if (agreement.tree === null) await this.#life?.session?.close();
    else this.#endSessionIn(this.#sessionTimeoutMs);
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state !== 'running') return;
    if (this.#ground.agreement.tree === null)
      throw new Error('pause needs the tree in this process: start the cluster without zookeeper');
    this.#state = 'paused';
    this.#life?.faults.pause();
    this.#endSessionIn(this.#sessionTimeoutMs);
  }

  /** SIGCONT. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#expiry?.cancel();
    this.#state = 'running';
    this.#life?.faults.resume();
  }

  /** ZooKeeper ends its session now. */
  expireSession(): void {
    if (this.#life?.source.expire === undefined)
      throw new Error('expireSession needs the tree in this process: start the cluster without zookeeper');
    if (this.#life.session !== null) this.#life.source.expire(this.#life.session.sessionId);
  }

  /** It and ZooKeeper don't hear each other. */
  cutFromZookeeper(): void {
    if (this.#life?.source.partition === undefined)
      throw new Error("'zookeeper' can be cut where the tree is in this process: start without zookeeper");
    this.#life.source.partition();
  }

  healZookeeper(): void {
    this.#life?.source.heal?.();
  }

  /** Ends it at once, whatever it does; nothing of it is left. */
  async end(): Promise<void> {
    this.#expiry?.cancel();
    if (this.#ground.agreement.tree === null && this.#state === 'running') await this.stop(false);
    await this.#killLife();
    this.#state = 'killed';
  }

  async #killLife(): Promise<void> {
    this.#life?.kill();
    this.#life?.source.abandon?.();
    await this.#life?.faults.kill();
  }

  get #sessionTimeoutMs(): number {
    return this.#configOf(this.#bound).zookeeperSessionTimeoutMs;
  }

  async #begin(): Promise<void> {
    const config = this.#configOf(this.#bound);
    const { clock, disk, network, agreement } = this.#ground;
    const interference = this.#ground.interference();
    const diagnostics = lineDiagnostics(clock, (line) => this.#ground.log(this.id, line), 'info');
    const journal = createJournal(clock, diagnostics, config.journalMaxEvents);
    journal.onEvent((recorded) => this.#ground.recorded(recorded));
    const base: Platform = {
      ...network,
      clock,
      diagnostics,
      journal,
      disk: faultyDisk(disk, this.diskRules, clock),
      random: systemRandom,
      metrics: createMetrics(),
      workers: workersInPlace(clock),
    };
    const { platform, faults } = faulty(base, this.links);
    const source = agreement.source({
      clock: platform.clock,
      sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
      delayMs: () => this.zookeeperDelayMs,
    });
    const coordinators: CoordinatorSource = {
      counts: source.counts,
      async open(timeoutMs) {
        const coordinator = await source.open(timeoutMs);
        life.session = coordinator;
        return coordinator;
      },
    };
    const broker = new Broker({
      ...{ config, platform, hostName: '127.0.0.1', coordinators, interference },
      ended: () => void this.#gaveUp(life),
    });
    const life: Life = { broker, faults, source, session: null, ...this.#mortality() };
    this.#life = life;
    await this.#unlessKilled(() => broker.start());
  }

  /** It has stopped by itself, as its last log directory has failed: as a process it would be gone. */
  async #gaveUp(life: Life): Promise<void> {
    if (this.#life !== life || this.#state !== 'running') return;
    this.#state = 'stopped';
    await this.#killLife();
  }

  #mortality(): Pick<Life, 'killed' | 'kill'> {
    const { promise: killed, reject } = Promise.withResolvers<never>();
    killed.catch(() => {});
    return { killed, kill: () => reject(new Error(`broker ${this.id} was killed`)) };
  }

  async #unlessKilled(act: (broker: Broker) => Promise<void>): Promise<void> {
    const life = this.#life;
    if (life !== null) await Promise.race([act(life.broker), life.killed]);
  }

  #endSessionIn(delayMs: number): void {
    this.#expiry?.cancel();
    this.#expiry = this.#ground.clock.after(delayMs, () => this.#endSession());
  }

  /** As ZooKeeper does when it has not heard of a client for too long. */
  #endSession(): void {
    this.#expiry?.cancel();
    const { tree } = this.#ground.agreement;
    const sessionId = this.#life?.session?.sessionId ?? null;
    if (tree === null || sessionId === null || !tree.hasSession(sessionId)) return;
    if (this.#state === 'paused') this.#life?.source.expire?.(sessionId);
    else tree.closeSession(sessionId, this.#ground.clock.wallMs());
  }
}
