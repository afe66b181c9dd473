/**
 * A whole cluster in virtual time: real brokers on simulated machines, one tree in the place of
 * ZooKeeper, and everything that can befall a machine as a call. The brokers are the product's own
 * class Broker; nothing of them is replaced but what lies under their Platform.
 */

import { Broker } from '../../broker/broker.ts';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { type Diagnostics, lineDiagnostics } from '../../broker/platform/diagnostics.ts';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import { createJournal, type Journal } from '../../broker/platform/journal.ts';
import type { Random } from '../../broker/platform/random.ts';
import type { SocketNetwork } from '../../broker/platform/sockets.ts';
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../coordinator-client/local/local.ts';
import { World } from '../support/world.ts';
import { type Machine, machineClock, SimulatedProcess } from './simulated-machine.ts';
import type { StableOffsets } from './stable-offsets.ts';
import { Trace } from './trace.ts';

export const CLIENT_PORT = 9092;
const PEER_PORT = 9093;
const SESSION_TIMEOUT_MS = 2000;
/** A channel whose other end is silent for so long is closed. */
const SILENCE_LIMIT_MS = 2500;
const START_AGAIN_MS = 300;
const CLIENT_HOST = 'client';

/** Short times, so that a run of half a minute sees many elections. */
const PROPERTIES: Readonly<Record<string, string>> = {
  'zookeeper.connect': 'tree:2181',
  'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'zookeeper.connection.timeout.ms': '4000',
  'log.dirs': '/data',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '3',
  'auto.create.topics.enable': 'false',
  'unclean.leader.election.enable': 'false',
  'replica.lag.time.max.ms': '2000',
  'replica.fetch.wait.max.ms': '250',
  'replica.fetch.backoff.ms': '200',
  'replica.socket.timeout.ms': '2000',
  'replica.high.watermark.checkpoint.interval.ms': '1000',
  'controller.socket.timeout.ms': '2000',
  'socket.connection.setup.timeout.ms': '1000',
  'controlled.shutdown.max.retries': '2',
  'controlled.shutdown.retry.backoff.ms': '500',
  'leader.imbalance.check.interval.seconds': '5',
  'log.segment.bytes': '8192',
  'log.flush.offset.checkpoint.interval.ms': '3000',
  'file.delete.delay.ms': '1000',
  'log.segment.delete.delay.ms': '1000',
  'log.initial.task.delay.ms': '2000',
  // Compaction rewrites what checkers compare byte by byte.
  'log.cleaner.enable': 'false',
  'log.retention.check.interval.ms': '1000',
  'group.min.session.timeout.ms': '500',
  'group.initial.rebalance.delay.ms': '0',
};

/** What is cut: all, or only what goes from the first to the second, or only what comes back. */
export type Ways = 'both' | 'there' | 'back';

interface SimulatedClusterOptions {
  readonly seed: number;
  readonly brokers?: number;
  readonly properties?: Readonly<Record<string, string>>;
  /** Gets what the brokers say; without it they are only part of the digest. */
  readonly write?: (line: string) => void;
  readonly stable?: Pick<StableOffsets, 'floor' | 'read'>;
}

const NOBODY_WATCHES = { floor: () => ({ life: -1, stable: -1 }), read: () => {} };

export class SimulatedCluster extends World {
  readonly trace = new Trace(this.clock);
  readonly machines: readonly Machine[];
  /** Told of every event that a broker records. */
  onRecorded: (broker: { readonly brokerId: number; readonly life: number }, recorded: Recorded) => void =
    () => {};
  /** Told when a client is given records that are damaged. */
  onDamaged: (what: string) => void = () => {};
  /** A machine is about to die in the middle of a turn, in which it may have said what nobody has looked at yet. */
  onDying: () => void = () => {};
  /** Shown what clients are told of last stable offsets. */
  readonly stable: Pick<StableOffsets, 'floor' | 'read'>;
  readonly #options: SimulatedClusterOptions;

  constructor(options: SimulatedClusterOptions) {
    super({
      seed: options.seed,
      latencyMs: (random) => [0.2, random.int(4) === 0 ? 20 : 3],
      silenceLimitMs: SILENCE_LIMIT_MS,
    });
    this.#options = options;
    this.stable = options.stable ?? NOBODY_WATCHES;
    // With a fourth broker there is something to reassign.
    const count = options.brokers ?? (this.random.int(3) === 0 ? 4 : 3);
    this.machines = Array.from({ length: count }, (_, index) => ({
      id: index + 1,
      host: `broker${index + 1}`,
      disk: this.disk(`broker${index + 1}`),
      process: null,
      broker: null,
      status: 'down',
      life: 0,
      wallShiftMs: 0,
      source: null,
      sessionId: null,
    }));
  }

  machine(id: number): Machine {
    const found = this.machines.find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** The network as clients see it. */
  get clientSockets(): SocketNetwork {
    return this.network.host(CLIENT_HOST).sockets;
  }

  /** Starts a process; as a supervisor does, again and again until it runs. */
  start(id: number): void {
    const machine = this.machine(id);
    if (machine.status !== 'down') return;
    machine.life++;
    machine.status = 'starting';
    const process = new SimulatedProcess({
      clock: machineClock(this.clock, machine),
      network: this.network.host(machine.host),
      wallSkewMs: this.random.int(2000) - 1000,
      startMs: this.random.int(1_000_000),
    });
    machine.process = process;
    machine.source = this.source({
      clock: process.clock,
      random: this.fork(),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      delayMs: 0.3,
      jitterMs: 1,
    });
    const broker = this.#newBroker(machine, process, machine.source);
    machine.broker = broker;
    broker.start().then(
      () => {
        if (machine.broker === broker) machine.status = 'running';
      },
      (error) => {
        if (machine.broker !== broker) return;
        this.trace.add(`broker ${id} could not start: ${String(error)}`);
        this.#end(machine, 'all');
        this.clock.after(START_AGAIN_MS, () => this.start(id));
      },
    );
  }

  /** kill -9 (`all`), or a power failure that leaves what was synced, or that and a random part of the rest. */
  crash(id: number, keep: 'all' | 'synced' | Random): void {
    this.#end(this.machine(id), keep);
  }

  /** kill -9 in the middle of its next write, or its next one to such a file, of which some bytes still reach the disk. */
  crashInWrite(id: number, random: Random, isMeant: (path: string) => boolean = () => true): void {
    const machine = this.machine(id);
    const { disk, life } = machine;
    disk.tear = (path, sizeBytes) => {
      if (!isMeant(path)) return null;
      disk.tear = null;
      if (machine.life !== life || machine.process === null) return null;
      const left = random.int(sizeBytes);
      this.trace.add(`  broker ${id} dies in a write to ${path}, after ${left} of ${sizeBytes} bytes`);
      this.onDying();
      this.#end(machine, 'all');
      // Whatever the dead process would do in the rest of this turn does not happen.
      disk.fault = () => 'EIO';
      this.clock.soon(() => {
        disk.fault = null;
      });
      return left;
    };
  }

  /** Its disk keeps nothing any more that is to be kept. The broker ends itself when it finds out. */
  failSyncs(id: number): void {
    const { disk } = this.machine(id);
    disk.fault = (operation) => (operation === 'sync' ? 'EIO' : null);
  }

  healDisk(id: number): void {
    const { disk } = this.machine(id);
    disk.fault = null;
    disk.tear = null;
  }

  /** Of one machine, as with a time server that only this one asks. */
  stepWallClock(id: number, byMs: number): void {
    this.machine(id).wallShiftMs += byMs;
  }

  /** SIGTERM; resolves when the process has ended. */
  async stop(id: number): Promise<void> {
    const machine = this.machine(id);
    const { broker, process } = machine;
    if (broker === null || process === null || machine.status !== 'running') return;
    machine.status = 'stopping';
    await new Promise<void>((resolve) => process.enter(() => resolve(broker.shutdown())));
    if (machine.broker === broker) this.#end(machine, 'all');
  }

  /** SIGSTOP. The others hear nothing of it any more, and the tree lets its session expire. */
  pause(id: number): void {
    const machine = this.machine(id);
    const { process, source, sessionId } = machine;
    if (process === null || process.state !== 'running') return;
    process.pause();
    for (const other of this.machines)
      if (other !== machine) this.network.cutOneWay(machine.host, other.host);
    const life = machine.life;
    this.clock.after(SESSION_TIMEOUT_MS, () => {
      if (machine.life !== life || process.state !== 'paused' || sessionId === null) return;
      source?.expire(sessionId);
    });
  }

  /** SIGCONT. */
  resume(id: number): void {
    const machine = this.machine(id);
    for (const other of this.machines) if (other !== machine) this.network.heal(machine.host, other.host);
    machine.process?.resume();
  }

  cut(one: number, other: number, ways: Ways = 'both'): void {
    const [from, to] = [this.machine(one).host, this.machine(other).host];
    if (ways === 'both') this.network.cut(from, to);
    else if (ways === 'there') this.network.cutOneWay(from, to);
    else this.network.cutOneWay(to, from);
  }

  heal(one: number, other: number): void {
    this.network.heal(this.machine(one).host, this.machine(other).host);
  }

  /** Clients and this broker don't reach each other. */
  cutFromClients(id: number, ways: Ways = 'both'): void {
    const { host } = this.machine(id);
    if (ways === 'both') this.network.cut(host, CLIENT_HOST);
    else if (ways === 'there') this.network.cutOneWay(host, CLIENT_HOST);
    else this.network.cutOneWay(CLIENT_HOST, host);
  }

  healToClients(id: number): void {
    this.network.heal(this.machine(id).host, CLIENT_HOST);
  }

  cutFromCoordinator(id: number): void {
    this.#disturb(id, ({ source }) => source?.partition());
  }

  healToCoordinator(id: number): void {
    this.#disturb(id, ({ source }) => source?.heal());
  }

  /** What is done to the present session of a broker, if it has one. */
  session(id: number, act: (source: LocalSource, sessionId: bigint) => void): void {
    this.#disturb(id, ({ source, sessionId }) => {
      if (source !== null && sessionId !== null) act(source, sessionId);
    });
  }

  /** The broker may hear of it at once, outside of its turns. */
  #disturb(id: number, act: (machine: Machine) => void): void {
    const machine = this.machine(id);
    if (machine.process !== null) machine.process.turns++;
    act(machine);
  }

  #newBroker(machine: Machine, process: SimulatedProcess, source: LocalSource): Broker {
    const { id, host } = machine;
    const { clock, sockets, channels } = process;
    const properties = {
      ...PROPERTIES,
      ...this.#options.properties,
      'broker.id': String(id),
      'peer.shared.secret': 'secret',
      listeners: `PLAINTEXT://${host}:${CLIENT_PORT}`,
      'peer.listener': `PEER://${host}:${PEER_PORT}`,
    };
    const diagnostics = this.#diagnostics(id);
    const journal = this.#journal(machine, diagnostics);
    return new Broker({
      config: brokerConfig(new Map(Object.entries(properties))),
      platform: this.platform(host, { clock, channels, sockets, diagnostics, journal }),
      coordinators: this.#watchedSource(machine, source),
      hostName: host,
      // What its disk could not keep safe may be gone.
      ended: () => {
        if (machine.process === process) this.#end(machine, this.fork());
      },
    });
  }

  #watchedSource(machine: Machine, source: LocalSource): CoordinatorSource {
    return {
      counts: source.counts,
      open: async (timeoutMs, calledOff) => {
        const coordinator = await source.open(timeoutMs, calledOff);
        if (machine.source === source) machine.sessionId = coordinator.sessionId;
        return coordinator;
      },
    };
  }

  #journal({ id, life }: Machine, diagnostics: Diagnostics): Journal {
    const journal = createJournal(this.clock, diagnostics);
    journal.onEvent((recorded) => {
      const { kind, ...facts } = recorded.event;
      // What it has committed in this turn nobody sees any more once its replicas are offline.
      if (kind === 'log-directory-failed') this.onDying();
      const because = recorded.causeId === null ? '' : ` because of ${recorded.causeId}`;
      this.trace.add(`  broker ${id}: ${recorded.id} ${kind}${because} ${JSON.stringify(facts)}`);
      this.onRecorded({ brokerId: id, life }, recorded);
    });
    return journal;
  }

  #diagnostics(id: number): Diagnostics {
    const { write } = this.#options;
    return lineDiagnostics(
      this.clock,
      (line) => {
        this.trace.note(line);
        write?.(`${this.clock.nowMs().toFixed(3)} broker ${id}: ${line}`);
      },
      'info',
    );
  }

  #end(machine: Machine, keep: 'all' | 'synced' | Random): void {
    const { process, sessionId } = machine;
    if (process === null) return;
    process.kill();
    this.network.crash(machine.host, 'process');
    machine.disk.crash(keep);
    machine.process = null;
    machine.broker = null;
    machine.source = null;
    machine.sessionId = null;
    machine.status = 'down';
    if (sessionId === null) return;
    this.clock.after(SESSION_TIMEOUT_MS, () => this.tree.closeSession(sessionId, this.clock.wallMs()));
  }
}
