/**
 * One round: topics, clients that write and read them, a scenario in the middle, everything healed, and then
 * the judgement: the cluster is whole, everybody goes on, and every promise was kept.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../broker/platform/random.ts';
import type { Workplace } from '../benchmark/workplace.ts';
import { type Client, type ClientName, clientLabel, type Programs } from './clients/client-programs.ts';
import { ClientEnded, type Job, type Progress, RunningClient } from './clients/running-client.ts';
import { differentLogs, unsettled } from './cluster/settled.ts';
import { BROKERS, type TormentedCluster } from './cluster/tormented-cluster.ts';
import { checkHistory } from './history/check.ts';
import type { Found } from './history/entries.ts';
import { lifeOf, type Mark } from './history/life.ts';
import type { Violation, ViolationKind } from './history/violation.ts';
import { NotAsExpected, type Scenario, type Stage } from './scenarios/scenario.ts';
import { createTopics, deleteTopics, PARTITIONS, readTopic } from './topics.ts';

/** A broken promise, and the life of what it is about in lines that can be read. */
export interface Finding extends Violation {
  readonly life: readonly string[];
}

export interface ClientResult {
  readonly client: string;
  readonly acknowledged: number;
  readonly findings: readonly Finding[];
}

export interface RoundResult {
  readonly round: number;
  readonly scenario: string;
  readonly durationMs: number;
  readonly marks: readonly Mark[];
  readonly clients: readonly ClientResult[];
  /** What is nobody's alone: the cluster did not come round. */
  readonly findings: readonly Finding[];
  /** Where its histories are; null when they are not kept. */
  readonly directory: string | null;
}

interface RoundOptions {
  readonly workplace: Workplace;
  readonly cluster: TormentedCluster;
  readonly programs: Programs;
  readonly clients: readonly Client[];
  readonly random: Random;
  readonly round: number;
  /** Of the run: no two rounds have the same topics. */
  readonly number: number;
}

/** Of each partition: more than can have been under way. */
const ENOUGH_RECORDS = 6;
const ENOUGH_COMMITS = 3;
const LOOK_MS = 100;
const GOES_ON_LIMIT_MS = 90_000;
const SETTLE_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 130_000;
const DRAIN_LIMIT_MS = 90_000;

interface Actor {
  readonly label: string;
  readonly job: Job;
  readonly program: RunningClient;
}

/** Rejects only when there is nothing to judge: the cluster can't be asked any more. */
export async function runRound(scenario: Scenario, options: RoundOptions): Promise<RoundResult> {
  const round = new Round(scenario, options);
  try {
    return await round.run();
  } finally {
    await round.end();
  }
}

class Round {
  readonly #scenario: Scenario;
  readonly #options: RoundOptions;
  readonly #cluster: TormentedCluster;
  readonly #directory: string;
  readonly #actors: Actor[] = [];
  readonly #programs: RunningClient[] = [];
  readonly #marks: Mark[] = [];
  readonly #findings: Finding[] = [];
  readonly #startedMs = performance.now();

  constructor(scenario: Scenario, options: RoundOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#cluster = options.cluster;
    this.#directory = join(options.workplace.directory, `round-${options.number}-${scenario.name}`);
    mkdirSync(this.#directory);
  }

  async run(): Promise<RoundResult> {
    const { clients, number } = this.#options;
    const names = clients.map((client) => topicOf(number, client));
    let results: ClientResult[] = [];
    if (await this.#isPrepared(names)) {
      this.#startPrograms();
      await this.#torment();
      results = await this.#judge();
      if (this.#findings.length === 0 && results.every(({ findings }) => findings.length === 0))
        await deleteTopics(this.#cluster.admin, names);
    }
    return {
      ...{ round: this.#options.round, scenario: this.#scenario.name, marks: this.#marks },
      ...{ clients: results, findings: this.#findings, directory: this.#directory },
      durationMs: Math.round(performance.now() - this.#startedMs),
    };
  }

  /** A whole cluster with the topics; one that does not come to it is found out here. */
  async #isPrepared(names: readonly string[]): Promise<boolean> {
    const layout = { firstLeader: 1 + this.#options.random.int(BROKERS), brokers: BROKERS };
    try {
      await this.#untilSettled();
      await createTopics(this.#cluster.admin, names, layout);
      await this.#untilSettled();
      this.#mark('the topics are there');
      return true;
    } catch (error) {
      this.#find('not-settled', error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** Nobody of the round's own is left. */
  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end()));
  }

  #startPrograms(): void {
    const { clients, number, random, programs, workplace } = this.#options;
    for (const [name, own] of Map.groupBy(clients, (client) => client.name)) {
      const jobs = own.map((client) => ({ client, mode: client.mode, topic: topicOf(number, client) }));
      const program = new RunningClient(workplace, {
        ...{ name, jobs, partitions: PARTITIONS, seed: random.int(2 ** 31), directory: this.#directory },
        command: commandOf(programs, name),
        bootstrapServers: this.#cluster.bootstrapServers,
      });
      this.#programs.push(program);
      for (const job of jobs) this.#actors.push({ label: clientLabel(job.client), job, program });
    }
  }

  async #torment(): Promise<void> {
    try {
      await this.#everyoneGoesOn();
      this.#mark('every client is at work');
      await this.#scenario.run(this.#stage());
    } catch (error) {
      this.#note(error);
    }
    await this.#cluster.heal();
    this.#mark('everything is healed');
    await this.#untilSettled().catch((error) => this.#note(error));
    this.#mark('the cluster is whole');
    await this.#everyoneGoesOn().catch((error) => this.#note(error));
    this.#mark('everyone goes on');
    await Promise.all(
      this.#programs.map((program) => program.stopWriters(STOP_LIMIT_MS).catch((error) => this.#note(error))),
    );
    this.#mark('the writers have ended');
  }

  #stage(): Stage {
    const { admin } = this.#cluster;
    const [first] = this.#actors;
    const topic = first?.job.topic ?? '';
    return {
      cluster: this.#cluster,
      random: this.#options.random,
      leader: async () => {
        const { topics } = await admin.metadata([topic]);
        const partition = topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === 0);
        return partition?.leaderId ?? -1;
      },
      controller: async () => (await admin.metadata([])).controllerId,
      mark: (what) => this.#mark(what),
      everyoneGoesOn: () => this.#everyoneGoesOn(),
    };
  }

  #mark(what: string): void {
    this.#marks.push({ at: Date.now(), what });
  }

  /** What went wrong outside of the histories. */
  #note(error: unknown): void {
    const kind: ViolationKind =
      error instanceof Stuck ? 'stuck' : error instanceof ClientEnded ? 'client-ended' : 'not-settled';
    if (!(error instanceof Stuck || error instanceof ClientEnded || error instanceof NotAsExpected))
      throw error;
    this.#find(kind, error.message);
  }

  #find(kind: ViolationKind, what: string): void {
    const from = this.#marks[0]?.at ?? 0;
    const life = this.#marks.map(
      (mark) => `${((mark.at - from) / 1000).toFixed(3).padStart(8)} s  --- ${mark.what}`,
    );
    this.#findings.push({ kind, topic: '', what, ids: [], life });
  }

  async #everyoneGoesOn(): Promise<void> {
    const before = new Map(this.#actors.map((actor) => [actor, progressOf(actor)]));
    const behind = (): string[] =>
      [...before].flatMap(([actor, progress]) => lateParts(actor, progress, progressOf(actor)));
    const deadlineMs = performance.now() + GOES_ON_LIMIT_MS;
    for (let late = behind(); late.length > 0; late = behind()) {
      const [words] = this.#programs.flatMap((program) => program.lastWords ?? []);
      if (words !== undefined) throw new ClientEnded(words);
      if (performance.now() > deadlineMs)
        throw new Stuck(`${late.join(', ')} did not go on within ${GOES_ON_LIMIT_MS / 1000} s`);
      await pause(LOOK_MS);
    }
  }

  async #untilSettled(): Promise<void> {
    const deadlineMs = performance.now() + SETTLE_LIMIT_MS;
    for (;;) {
      const wrong = await unsettled(this.#cluster);
      if (wrong.length === 0) return;
      if (performance.now() > deadlineMs)
        throw new NotAsExpected(`the cluster is not whole after ${SETTLE_LIMIT_MS / 1000} s: ${wrong[0]}`);
      await pause(LOOK_MS);
    }
  }

  async #judge(): Promise<ClientResult[]> {
    const found = new Map<Actor, Found>();
    for (const actor of this.#actors) {
      try {
        found.set(actor, await readTopic(this.#cluster.admin, actor.job.topic));
      } catch (error) {
        this.#find('not-settled', error instanceof Error ? error.message : String(error));
      }
    }
    this.#mark('all records have been read');
    await Promise.all(this.#programs.map((program) => this.#drain(program, found)));
    this.#mark('the readers have ended');
    for (const { job } of this.#actors) {
      for (const what of differentLogs(this.#cluster.brokers, job.topic, PARTITIONS))
        this.#find('replicas-differ', what);
    }
    return this.#actors.map((actor) => this.#resultOf(actor, found.get(actor)));
  }

  async #drain(program: RunningClient, found: ReadonlyMap<Actor, Found>): Promise<void> {
    const own = this.#actors.filter((actor) => actor.program === program);
    const last = own.flatMap((actor) =>
      Array.from(
        { length: PARTITIONS },
        (_, each) => found.get(actor)?.partitions[each]?.at(-1)?.offset ?? -1,
      ),
    );
    await program.drain(last, DRAIN_LIMIT_MS).catch((error) => this.#note(error));
  }

  #resultOf({ label, job, program }: Actor, found: Found | undefined): ClientResult {
    const acknowledged = program.progress(job).partitions.reduce((sum, count) => sum + count, 0);
    if (found === undefined) return { client: label, acknowledged, findings: [] };
    const history = program.history(job);
    const findings = checkHistory(history, found).map((violation) => ({
      ...violation,
      life: lifeOf(violation, { history, found }, this.#marks),
    }));
    return { client: label, acknowledged, findings };
  }
}

function progressOf({ program, job }: Actor): Progress {
  return program.progress(job);
}

/** Where a client has not got further since, in words. */
function lateParts({ label, job }: Actor, before: Progress, now: Progress): string[] {
  const late = now.partitions.flatMap((count, partition) =>
    count < (before.partitions[partition] ?? 0) + ENOUGH_RECORDS
      ? [`${label} in partition ${partition}`]
      : [],
  );
  const commits = job.mode !== 'transactional' || now.commits >= before.commits + ENOUGH_COMMITS;
  return commits ? late : [...late, `the commits of ${label}`];
}

/** Somebody is not answered any more though nothing is broken. */
class Stuck extends Error {
  override readonly name = 'Stuck';
}

function topicOf(number: number, client: Client): string {
  return `torture-${number}-${clientLabel(client)}`;
}

function commandOf(programs: Programs, name: ClientName): readonly string[] {
  const command = programs.get(name);
  if (command === undefined) throw new Error(`there is no program of ${name}`);
  return command;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
