/** One run: a seed in, a verdict and the trace of what happened out. The same seed gives the same run. */
import { batchProducerEpoch, batchProducerId } from '../../broker/records/batch.ts';
import { Rotten } from './bit-rot.ts';
import { History } from './history.ts';
import { Invariants } from './invariants.ts';
import { logRules } from './log-rules.ts';
import { Nemesis } from './nemesis.ts';
import {
  ControllerObserver,
  observeTree,
  ReplicaObserver,
  type ReplicaView,
  replicaId,
  type TreeView,
} from './observation.ts';
import { notProcessedOnce } from './processed-once.ts';
import { RereadingConsumer } from './rereading-consumer.ts';
import {
  lostOffsets,
  repeatedRecords,
  unsettledClients,
  unsettledCluster,
  unsettledReplicas,
  unsettledTopics,
} from './settled.ts';
import { REPLICAS } from './simulated-admin.ts';
import { SimulatedApplication } from './simulated-application.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedTransactions } from './simulated-transactions.ts';
import { TransactionHistory } from './transaction-history.ts';
import { type Extras, newClient, PARTITIONS, TOPIC, Workload } from './workload.ts';

interface SimulationOptions extends Extras {
  readonly seed: number;
  /** How long faults happen, in virtual time. */
  readonly faultsMs?: number;
  /** Instead of what the seed would have happen. */
  readonly faults?: (cluster: SimulatedCluster) => void;
  /** With applications that write in transactions; of itself without. */
  readonly transactions?: boolean;
  /** Bits of what is stored turn over; of itself none does. */
  readonly bitRot?: boolean;
  /** The application that processes leaves out what keeps away former owners of partitions. */
  readonly unfenced?: boolean;
  /** Gets what brokers say. */
  readonly write?: (line: string) => void;
  /** Called at the moment something is found wrong, to look around. */
  readonly inspect?: (what: string, cluster: SimulatedCluster) => void;
}

export interface Verdict {
  readonly seed: number;
  /** What was found wrong; empty when the run is good. */
  readonly broken: readonly string[];
  readonly trace: readonly string[];
  /** Of the trace and of everything that brokers said. */
  readonly digest: string;
  readonly events: number;
  readonly faults: number;
  readonly acknowledged: number;
  readonly consumed: number;
  readonly generations: number;
  /** That were committed. */
  readonly transactions: number;
  /** Records that the application has read, processed and written. */
  readonly processed: number;
  /** What has befallen its processes, by request. */
  readonly befallen: readonly string[];
  readonly uncleanElections: number;
  /** Kinds of files in which a bit has turned over, and how often a client was given damaged records. */
  readonly struck: readonly string[];
  readonly noticed: number;
  readonly virtualMs: number;
}

const CLEANING = { 'log.cleaner.enable': 'true', 'log.cleaner.backoff.ms': '1000' };
/** So that a former owner of a partition still writes when the next one does. */
const SLOW_TRANSACTIONS = { 'transaction.completion.wait.ms': '0' };
const PROCESSED_TOPIC = 'processed';
const TRANSACTIONS_TOPIC = 'payments';
const TRANSACTIONS_PARTITIONS = 2;
const START_LIMIT_MS = 30_000;
const SETTLE_LIMIT_MS = 60_000;
const SHORTEST_FAULTS_MS = 6000;
const LONGEST_FAULTS_MS = 20_000;
/** A run that is broken in many ways is broken. */
const MOST_BROKEN = 10;
/** Long enough for high watermarks to reach idle followers. */
const REST_MS = 50;
const SETTLED_LOOKS = 5;
/** Of nobody: a replica that has not been looked at. */
const AT_LAST = -1;

export async function simulate(options: SimulationOptions): Promise<Verdict> {
  const run = new Run(options);
  try {
    await run.go();
  } catch (error) {
    run.broken(
      `the run ended with ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  return run.verdict();
}

class Run {
  readonly #options: SimulationOptions;
  readonly #cluster: SimulatedCluster;
  readonly #history = new History();
  readonly #invariants: Invariants;
  readonly #rotten = new Rotten();
  readonly #rereading: RereadingConsumer | null;
  readonly #workload: Workload;
  readonly #nemesis: Nemesis;
  readonly #transactionHistory = new TransactionHistory();
  readonly #transactions: SimulatedTransactions | null;
  readonly #application: SimulatedApplication | null;
  readonly #broken: string[] = [];
  readonly #observer = new ReplicaObserver();
  readonly #controllers = new ControllerObserver();
  #tree: TreeView;
  #zxid = -1n;
  #events = 0;
  #processed = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#invariants = new Invariants((what) => this.broken(what), logRules(options, this.#rotten));
    const properties = {
      ...(options.compaction === true ? CLEANING : {}),
      ...(options.unfenced === true ? SLOW_TRANSACTIONS : {}),
    };
    this.#cluster = new SimulatedCluster({ ...options, properties, stable: this.#invariants.stable });
    this.#workload = new Workload(this.#cluster, this.#history, options);
    const { bitRot = false } = options;
    this.#nemesis = new Nemesis(this.#cluster, this.#cluster.fork(), bitRot ? this.#rotten : null);
    const transactions = options.transactions ?? false;
    this.#transactions = transactions ? this.#newTransactions() : null;
    this.#application = transactions ? this.#newApplication() : null;
    this.#rereading = bitRot ? this.#newRereading() : null;
    this.#tree = observeTree(this.#cluster.tree);
    this.#cluster.onDamaged = (what) => {
      this.#rotten.noticed++;
      if (!bitRot) this.broken(what);
    };
    this.#cluster.onDying = () => this.#look();
    this.#cluster.onRecorded = (broker, recorded) => this.#invariants.events.recorded(broker, recorded);
    this.#history.onBroken = (what) => this.broken(what);
    this.#history.onTopic = (what) => this.#cluster.trace.add(`  ${what}`);
    this.#history.onAcknowledged = (acknowledgement) => this.#invariants.acknowledged(acknowledgement);
    this.#history.onConsumed = (record) => this.#invariants.consumed(record);
    this.#cluster.clock.afterStep = () => this.#check();
  }

  broken(what: string): void {
    if (this.#broken.length >= MOST_BROKEN) return;
    this.#cluster.trace.add(`! ${what}`);
    this.#broken.push(what);
    this.#options.inspect?.(what, this.#cluster);
  }

  async go(): Promise<void> {
    const rejections = (error: unknown): void =>
      this.broken(`a rejection that nobody handled: ${error instanceof Error ? error.stack : String(error)}`);
    process.on('unhandledRejection', rejections);
    try {
      await this.#start();
      await this.#faults();
      await this.#settle();
    } finally {
      process.off('unhandledRejection', rejections);
      this.#rereading?.stop();
      this.#application?.stop();
      this.#workload.stop();
    }
  }

  verdict(): Verdict {
    const { trace, clock } = this.#cluster;
    return {
      seed: this.#options.seed,
      broken: this.#broken,
      trace: trace.lines,
      digest: trace.digest(),
      events: this.#events,
      faults: this.#nemesis.count,
      acknowledged: this.#history.acknowledged.length,
      consumed: this.#history.consumedCount,
      generations: this.#history.groupOf('team').generations,
      transactions: this.#transactionHistory.count('committed'),
      processed: this.#processed,
      befallen: this.#application?.befallen ?? [],
      uncleanElections: this.#invariants.unclean.count,
      struck: this.#rotten.struck,
      noticed: this.#rotten.noticed,
      virtualMs: clock.nowMs(),
    };
  }

  async #start(): Promise<void> {
    const { clock, machines } = this.#cluster;
    for (const { id } of machines) this.#cluster.start(id);
    await clock.runUntilTrue(() => machines.every(({ status }) => status === 'running'), START_LIMIT_MS);
    const { admin } = this.#workload;
    await clock.runUntilSettled(this.#workload.prepare(), START_LIMIT_MS);
    if (this.#transactions !== null) {
      for (const topic of [TRANSACTIONS_TOPIC, PROCESSED_TOPIC]) {
        const create = () => admin.create(topic, TRANSACTIONS_PARTITIONS);
        while (!(await clock.runUntilSettled(create(), START_LIMIT_MS)));
      }
      this.#transactions.start();
      this.#application?.start();
    }
    this.#workload.start();
    this.#rereading?.start();
  }

  async #faults(): Promise<void> {
    const { clock } = this.#cluster;
    const range = LONGEST_FAULTS_MS - SHORTEST_FAULTS_MS;
    const durationMs = this.#options.faultsMs ?? SHORTEST_FAULTS_MS + this.#cluster.fork().int(range);
    if (this.#options.faults === undefined) this.#nemesis.start();
    else this.#options.faults(this.#cluster);
    await this.#unlessBroken(durationMs, () => false);
    this.#nemesis.stop();
    this.#cluster.trace.add('healed');
    if (this.#broken.length > 0) return;
    await this.#mustHold(() => (this.#nemesis.isOver ? [] : ['faults last']));
    await clock.runFor(0);
  }

  async #settle(): Promise<void> {
    if (this.#broken.length > 0) return;
    await this.#mustHold(() => unsettledCluster(this.#cluster, this.#tree));
    this.#workload.stopProducing();
    this.#transactions?.stop();
    // Leaders are rebalanced and groups lose their members even now, but what has settled settles again.
    for (let look = 0; look < SETTLED_LOOKS; look++) {
      await this.#mustHold(() => this.#unsettled());
      await this.#cluster.clock.runFor(REST_MS);
    }
    // The rest may have ended in the middle of an election, stored and not told yet.
    await this.#mustHold(() => this.#unsettled());
    if (this.#broken.length > 0) return;
    for (const what of repeatedRecords(this.#tree, this.#invariants.logs, this.#history)) this.broken(what);
    this.#checkLogs();
    await this.#checkTransactions();
    await this.#checkProcessed();
    const lost = lostOffsets(this.#workload, this.#history);
    for (const what of await this.#cluster.clock.runUntilSettled(lost, SETTLE_LIMIT_MS)) this.broken(what);
    this.#cluster.trace.add('settled');
  }

  #newRereading(): RereadingConsumer {
    const client = newClient(this.#cluster, this.#cluster.clock, 'rereader');
    return new RereadingConsumer({ client, history: this.#history, topic: TOPIC, partitions: PARTITIONS });
  }

  #newTransactions(): SimulatedTransactions {
    return new SimulatedTransactions({
      client: newClient(this.#cluster, this.#cluster.clock, 'payer'),
      random: this.#cluster.fork(),
      history: this.#transactionHistory,
      topic: TRANSACTIONS_TOPIC,
      partitions: TRANSACTIONS_PARTITIONS,
    });
  }

  #newApplication(): SimulatedApplication {
    return new SimulatedApplication({
      newClient: () => newClient(this.#cluster, this.#cluster.clock, 'processor'),
      fork: () => this.#cluster.fork(),
      input: TOPIC,
      output: PROCESSED_TOPIC,
      partitions: TRANSACTIONS_PARTITIONS,
      fenced: this.#options.unfenced !== true,
    });
  }

  /** Once more from their beginnings, as followers of unclean elections and cleaners have left them. */
  #checkLogs(): void {
    const { logs, unclean } = this.#invariants;
    for (const what of unclean.unexplained(logs)) this.broken(what);
    for (const replica of new ReplicaObserver().observe(this.#cluster.machines).all)
      logs.check({ ...replica, life: AT_LAST, id: replicaId(replica.brokerId, AT_LAST, replica.key) });
  }

  /** Every transaction ends, all of it or nothing of it is read, and in order. */
  async #checkTransactions(): Promise<void> {
    const { clock } = this.#cluster;
    if (this.#transactions === null) return;
    for (let attempt = 0; attempt < 50; attempt++) {
      const found = await clock.runUntilSettled(this.#transactions.found(), SETTLE_LIMIT_MS);
      if (found === null) {
        await clock.runFor(REST_MS);
        continue;
      }
      for (const what of this.#transactionHistory.contradictions(found)) this.broken(what);
      return;
    }
    const open = new ReplicaObserver().observe(this.#cluster.machines).all.flatMap(openAtLeader);
    this.broken(`committed data can’t be read to its end: a transaction has not ended: ${open.join(', ')}`);
  }

  /** Every record of the input is processed, and its outcome is there once. */
  async #checkProcessed(): Promise<void> {
    const { clock } = this.#cluster;
    if (this.#application === null) return;
    // Until now: brokers that are well answer faster, so that more can happen to it between two answers.
    this.#application.leaveAlone();
    const limitMs = clock.nowMs() + SETTLE_LIMIT_MS;
    while (clock.nowMs() < limitMs) {
      const found = await clock.runUntilSettled(this.#application.found(), SETTLE_LIMIT_MS);
      if (found === null) {
        await clock.runFor(REST_MS);
        continue;
      }
      this.#processed = found.output.flat().length;
      for (const what of notProcessedOnce(found)) this.broken(what);
      return;
    }
    this.broken('the application does not come to the end of its input');
  }

  #unsettled(): string[] {
    const { logs } = this.#invariants;
    return [
      ...(this.#transactions?.busy ? ['a transaction is under way'] : []),
      ...unsettledCluster(this.#cluster, this.#tree),
      ...unsettledTopics(this.#cluster, this.#tree, this.#history),
      ...unsettledClients(this.#workload, this.#tree, logs),
      ...unsettledReplicas(this.#observer.all, this.#tree, logs, this.#cluster.machines.length > REPLICAS),
      ...this.#invariants.events.untold(this.#tree),
    ];
  }

  /** Waits until nothing is wrong any more; what still is at the limit is broken. */
  async #mustHold(wrong: () => string[]): Promise<void> {
    const limitMs = this.#cluster.clock.nowMs() + SETTLE_LIMIT_MS;
    while (this.#broken.length === 0 && wrong().length > 0) {
      if (this.#cluster.clock.nowMs() >= limitMs) {
        for (const what of wrong()) this.broken(`did not settle: ${what}`);
        return;
      }
      await this.#cluster.clock.runFor(REST_MS);
    }
  }

  async #unlessBroken(durationMs: number, isOver: () => boolean): Promise<void> {
    const { clock } = this.#cluster;
    const endMs = clock.nowMs() + durationMs;
    while (this.#broken.length === 0 && !isOver() && clock.nowMs() < endMs) await clock.runFor(REST_MS);
  }

  #check(): void {
    this.#events++;
    this.#look();
  }

  #look(): void {
    const { tree, machines } = this.#cluster;
    if (tree.lastZxid !== this.#zxid) {
      this.#zxid = tree.lastZxid;
      this.#tree = observeTree(tree);
      this.#invariants.treeChanged(this.#tree);
    }
    const controllers = this.#controllers.observe(machines);
    this.#invariants.check(this.#observer.observe(machines), controllers, this.#tree);
  }
}

/** What a leader waits for the end of, in words. */
function openAtLeader(replica: ReplicaView): string[] {
  const { role, name, lastStableOffset, highWatermark, endOffset } = replica;
  if (role !== 'leader' || lastStableOffset === endOffset) return [];
  const batch = replica.read(lastStableOffset, endOffset);
  const whose = `producer ${batchProducerId(batch, 0)} in epoch ${batchProducerEpoch(batch, 0)}`;
  return [`${name} is stable up to ${lastStableOffset} of ${highWatermark} (${endOffset}), then ${whose}`];
}
