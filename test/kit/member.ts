/**
 * One broker of a test cluster through all of its lives: the same directory and the same ports, a new
 * Broker each time, on a platform that can be hurt.
 */
import { Broker } from '../../broker/broker.ts';
import type { BrokerConfig } from '../../broker/config/broker-config.ts';
import type { InterferenceSlot } from '../../broker/network/interference.ts';
import type { Clock } from '../../broker/platform/clock.ts';
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
import type { Agreement, LifeSource } from './agreement.ts';

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
const PORT_PATIENCE_MS = 20_000;
const PORT_PAUSE_MS = 50;

/** One life. */
interface Life {
  readonly broker: Broker;
  readonly faults: Faults;
  readonly source: LifeSource;
  /** Rejects when it is killed; what it was in the middle of never ends by itself. */
  readonly killed: Promise<never>;
  readonly kill: () => void;
}

export class Member {
  readonly id: number;
  readonly links = new Links();
  /** What is done to its disk. */
  readonly diskRules = new DiskRules(() => systemRandom.fraction());
  readonly #ground: MemberGround;
  readonly #configOf: (bound: Bound | null) => BrokerConfig;
  #state: MemberState = 'stopped';
  #life: Life | null = null;
  #bound: Bound | null = null;
  #hasEnded = false;

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

  /** With its cluster. */
  get hasEnded(): boolean {
    return this.#hasEnded;
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
    await this.#life?.source.end();
    if (this.state !== 'starting') throw wasKilled(this.id);
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
          // Nobody waits for the end of a session that nobody has used.
          await this.#life?.source.end();
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
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#life?.faults.pause();
    this.#life?.source.pause();
  }

  /** SIGCONT. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#life?.source.resume();
    this.#life?.faults.resume();
  }

  /** ZooKeeper ends its session now. */
  async expireSession(): Promise<void> {
    await this.#life?.source.expireSession();
  }

  /** Ends it at once, whatever it does; nothing of it is left. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#killLife();
    if (this.#state !== 'stopped') await this.#life?.source.end();
    this.#state = 'killed';
  }

  async #killLife(): Promise<void> {
    this.#life?.kill();
    this.#life?.source.abandon();
    await this.#life?.faults.kill();
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
    const source = agreement.life({
      clock: platform.clock,
      worldClock: clock,
      sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
      links: this.links,
      enter: (run) => faults.enter(run),
    });
    const broker = new Broker({
      ...{ config, platform, hostName: '127.0.0.1', coordinators: source, interference },
      ended: () => void this.#gaveUp(life),
    });
    const life: Life = { broker, faults, source, ...this.#mortality() };
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
    return { killed, kill: () => reject(wasKilled(this.id)) };
  }

  async #unlessKilled(act: (broker: Broker) => Promise<void>): Promise<void> {
    const life = this.#life;
    if (life !== null) await Promise.race([act(life.broker), life.killed]);
  }
}

function wasKilled(id: number): Error {
  return new Error(`broker ${id} was killed`);
}
