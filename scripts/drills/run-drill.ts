/**
 * Runs one drill: a cluster, a load, its steady state, the steps, everything healed, the cluster whole again;
 * then everything is read back and judged. Whatever happens, nothing of it is left.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Workplace } from '../benchmark/workplace.ts';
import { COMMAND_LINE } from '../cluster/program.ts';
import { type Job, RunningClient } from '../torment/clients/running-client.ts';
import { disagreements } from '../torment/cluster/settled.ts';
import type { ClientHistory } from '../torment/history/entries.ts';
import { createTopics, PARTITIONS, readTopic } from '../torment/topics.ts';
import { carryOut, DidNotCome, kindsSince, type Stage } from './carry-out.ts';
import { Casting } from './casting.ts';
import type { Drill } from './drill.ts';
import { BROKERS, DrilledCluster } from './drilled-cluster.ts';
import { judgedBy, type Verdict } from './judgement.ts';
import { type Acknowledged, acknowledgementsOf, type Score, type Span, scoreOf } from './score.ts';
import { type Mark, timelineOf } from './timeline.ts';

export interface DrillResult {
  readonly drill: Drill;
  readonly startedMs: number;
  readonly tookMs: number;
  /** Who played which part. */
  readonly parts: Readonly<Record<string, number>>;
  readonly during: Span;
  readonly score: Score;
  readonly verdicts: readonly Verdict[];
  readonly timeline: readonly Mark[];
  readonly acknowledgements: readonly Acknowledged[];
}

interface DrillTools {
  readonly workplace: Workplace;
  /** What is done, as it is done. */
  readonly say: (line: string) => void;
}

const TOPIC = 'drill';
const WARM_UP_MS = 2000;
const AFTERMATH_MS = 2000;
const LOOK_MS = 100;
const FIRST_ACK_MS = 30_000;
const SETTLE_MS = 60_000;
const STOP_MS = 60_000;
const DRAIN_MS = 60_000;
/** Before records can be read back, everything must be there. */
const SEED = 7;

export async function runDrill(drill: Drill, tools: DrillTools): Promise<DrillResult> {
  const directory = tools.workplace.folder(drill.name);
  const cluster = await DrilledCluster.start(drill, { directory, progress: () => {} });
  try {
    return await new DrillRun(drill, cluster, directory, tools).run();
  } finally {
    await cluster.close();
  }
}

class DrillRun {
  readonly #drill: Drill;
  readonly #cluster: DrilledCluster;
  readonly #directory: string;
  readonly #tools: DrillTools;
  readonly #job: Job = { mode: 'idempotent', topic: TOPIC };
  readonly #marks: Mark[] = [];
  readonly #startedMs = Date.now();
  #client: RunningClient | null = null;

  constructor(drill: Drill, cluster: DrilledCluster, directory: string, tools: DrillTools) {
    this.#drill = drill;
    this.#cluster = cluster;
    this.#directory = directory;
    this.#tools = tools;
  }

  async run(): Promise<DrillResult> {
    try {
      return await this.#run();
    } finally {
      await this.#client?.end();
    }
  }

  async #run(): Promise<DrillResult> {
    const { admin } = this.#cluster;
    await this.#untilWhole();
    const layout = { firstLeader: 1, brokers: BROKERS, configs: this.#drill.topicConfigs };
    await createTopics(admin, [TOPIC], layout);
    await this.#untilWhole();
    const client = this.#startClient();
    await this.#untilAcknowledged(client);
    await pause(WARM_UP_MS);
    this.#mark('steady state');
    const casting = new Casting({ cluster: this.#cluster, topic: TOPIC });
    const stage = this.#stage(client, casting);
    const fromMs = Date.now();
    const missed = await this.#strike(stage);
    await this.#cluster.heal();
    const toMs = Date.now();
    this.#mark('everything is healed');
    await this.#untilWhole();
    this.#mark('the cluster is whole again');
    await pause(AFTERMATH_MS);
    return this.#judge(client, stage, { during: { fromMs, toMs }, missed });
  }

  /** In words what did not come, null when everything did. */
  async #strike(stage: Stage): Promise<string | null> {
    try {
      for (const step of this.#drill.steps) await carryOut(step, stage);
      return null;
    } catch (error) {
      if (!(error instanceof DidNotCome)) throw error;
      this.#mark(error.message);
      return error.message;
    }
  }

  async #judge(
    client: RunningClient,
    stage: Stage,
    { during, missed }: { readonly during: Span; readonly missed: string | null },
  ): Promise<DrillResult> {
    await client.stopWriters(STOP_MS);
    const found = await readTopic(this.#cluster.admin, TOPIC);
    await client.drain(
      found.partitions.map((records) => records.at(-1)?.offset ?? -1),
      DRAIN_MS,
    );
    const history: ClientHistory = client.history(this.#job);
    const score = scoreOf(history, found, during);
    const verdicts = judgedBy(this.#drill.must, score, kindsSince(stage));
    const came: Verdict = { held: missed === null, words: missed ?? 'everything that was waited for came' };
    return {
      drill: this.#drill,
      startedMs: this.#startedMs,
      tookMs: Date.now() - this.#startedMs,
      parts: stage.casting.parts,
      during,
      score,
      verdicts: [came, ...verdicts],
      timeline: timelineOf(this.#marks, this.#cluster.events.slice(stage.eventsBefore)),
      acknowledgements: acknowledgementsOf(history),
    };
  }

  #stage(client: RunningClient, casting: Casting): Stage {
    return {
      cluster: this.#cluster,
      topic: TOPIC,
      casting,
      mark: (what) => this.#mark(what),
      acknowledged: () => client.progress(this.#job).partitions,
      eventsBefore: this.#cluster.events.length,
    };
  }

  #startClient(): RunningClient {
    const directory = join(this.#directory, 'histories');
    mkdirSync(directory);
    this.#client = new RunningClient(this.#tools.workplace, {
      name: 'kafkajs',
      command: [process.execPath, '--disable-warning=TimeoutNegativeWarning', COMMAND_LINE, 'witness'],
      bootstrapServers: this.#cluster.bootstrapServers,
      partitions: PARTITIONS,
      seed: SEED,
      directory,
      jobs: [this.#job],
    });
    return this.#client;
  }

  #mark(what: string): void {
    this.#marks.push({ atMs: Date.now(), who: 'drill', what });
    this.#tools.say(what);
  }

  async #untilAcknowledged(client: RunningClient): Promise<void> {
    const deadlineMs = performance.now() + FIRST_ACK_MS;
    while (client.progress(this.#job).partitions.some((count) => count === 0)) {
      if (client.lastWords !== null) throw new Error(client.lastWords);
      if (performance.now() > deadlineMs) throw new Error('the load does not come through');
      await pause(LOOK_MS);
    }
  }

  /** Every broker answers, all agree, and all replicas are in sync. */
  async #untilWhole(): Promise<void> {
    const deadlineMs = performance.now() + SETTLE_MS;
    for (;;) {
      const wrong = await this.#wrong();
      if (wrong === null) return;
      if (performance.now() > deadlineMs)
        throw new Error(`the cluster is not whole within ${SETTLE_MS / 1000} s: ${wrong}`);
      await pause(LOOK_MS);
    }
  }

  async #wrong(): Promise<string | null> {
    const views = await this.#cluster.views();
    const silent = this.#cluster.ids.find(
      (id) => !views.some((view) => view.id === id && view.seen !== null),
    );
    if (silent !== undefined) return `broker ${silent} does not answer`;
    return disagreements(views.flatMap(({ id, seen }) => (seen === null ? [] : [{ id, seen }])))[0] ?? null;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
