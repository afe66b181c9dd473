/** The load that a drill brings along: a client that writes down all that it does and is told, held against the topic. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Workplace } from '../benchmark/workplace.ts';
import { COMMAND_LINE } from '../cluster/program.ts';
import { type Job, RunningClient } from '../torment/clients/running-client.ts';
import { createTopics, PARTITIONS, readTopic } from '../torment/topics.ts';
import { pause } from './carry-out.ts';
import type { DrilledCluster } from './drilled-cluster.ts';
import type { DrillLoad, LoadFindings } from './load.ts';
import { acknowledgementsOf, type Span, scoreOf } from './score.ts';

const MOST_REPLICAS = 3;
const LOOK_MS = 100;
const FIRST_ACK_MS = 30_000;
const STOP_MS = 60_000;
const DRAIN_MS = 60_000;
const SEED = 7;

interface OwnLoadOptions {
  readonly workplace: Workplace;
  /** Where histories go. */
  readonly directory: string;
  readonly cluster: DrilledCluster;
  /** One that is not there yet. */
  readonly topic: string;
  readonly topicConfigs: Readonly<Record<string, string>>;
  /** Resolves when every replica is in sync. */
  readonly untilWhole: () => Promise<void>;
}

export class OwnLoad implements DrillLoad {
  readonly warmUpMs = 2000;
  readonly #options: OwnLoadOptions;
  readonly #job: Job;
  #running: RunningClient | null = null;
  /** Of partition 0 at the beginning. */
  #leader = 1;

  constructor(options: OwnLoadOptions) {
    this.#options = options;
    this.#job = { mode: 'idempotent', topic: options.topic };
  }

  async begin(signal: AbortSignal): Promise<string> {
    await this.#createTopic();
    await this.#options.untilWhole();
    const client = this.#start();
    const deadlineMs = performance.now() + FIRST_ACK_MS;
    while (this.acknowledged().some((count) => count === 0)) {
      if (client.lastWords !== null) throw new Error(client.lastWords);
      if (performance.now() > deadlineMs) throw new Error('the load does not come through');
      await pause(LOOK_MS, signal);
    }
    return this.#job.topic;
  }

  acknowledged(): readonly number[] {
    return this.#client.progress(this.#job).partitions;
  }

  async findings(during: Span): Promise<LoadFindings> {
    await this.#client.stopWriters(STOP_MS);
    const found = await readTopic(this.#options.cluster.admin, this.#job.topic);
    await this.#client.drain(
      found.partitions.map((records) => records.at(-1)?.offset ?? -1),
      DRAIN_MS,
    );
    const history = this.#client.history(this.#job);
    return { score: scoreOf(history, found, during), acknowledgements: acknowledgementsOf(history) };
  }

  async close(): Promise<void> {
    await this.#running?.end();
  }

  get #client(): RunningClient {
    if (this.#running === null) throw new Error('the load has not begun');
    return this.#running;
  }

  async #createTopic(): Promise<void> {
    const { cluster, topic, topicConfigs } = this.#options;
    const brokers = cluster.ids.length;
    const replicas = Math.min(MOST_REPLICAS, brokers);
    const firstLeader = await this.#firstLeader();
    const configs = { 'min.insync.replicas': String(Math.max(1, replicas - 1)), ...topicConfigs };
    await createTopics(cluster.admin, [topic], { firstLeader, brokers, replicas, configs });
  }

  /**
   * Of partition 0: not the controller, so that it is not by chance one broker that plays both parts. Where not
   * everybody leads something it is the controller: something is to happen when it dies.
   */
  async #firstLeader(): Promise<number> {
    const { cluster } = this.#options;
    const brokers = cluster.ids.length;
    const { controllerId } = await cluster.newest();
    this.#leader = brokers > PARTITIONS ? controllerId : (controllerId % brokers) + 1;
    return this.#leader;
  }

  /** Those at the beginning are asked first: a client that knows nobody but a broker that is cut off goes on believing it. */
  get #bootstrapServers(): string {
    const servers = this.#options.cluster.bootstrapServers.split(',');
    const first = this.#leader % servers.length;
    return [...servers.slice(first), ...servers.slice(0, first)].join();
  }

  #start(): RunningClient {
    const directory = join(this.#options.directory, 'histories');
    mkdirSync(directory);
    this.#running = new RunningClient(this.#options.workplace, {
      name: 'kafkajs',
      command: [process.execPath, '--disable-warning=TimeoutNegativeWarning', COMMAND_LINE, 'witness'],
      bootstrapServers: this.#bootstrapServers,
      partitions: PARTITIONS,
      seed: SEED,
      directory,
      jobs: [this.#job],
    });
    return this.#running;
  }
}
