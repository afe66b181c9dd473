/** One run of `torture`, from its options to the table; whatever ends it, nothing of it stays. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensembleLacks } from '../../test/support/ensemble.ts';
import { simulatedRandom } from '../../test/support/simulated-random.ts';
import type { Workplace } from '../benchmark/workplace.ts';
import { type Client, findPrograms, type Programs } from './clients/client-programs.ts';
import { Loopback } from './cluster/loopback.ts';
import { Namespaces } from './cluster/namespaces.ts';
import type { Network } from './cluster/network.ts';
import { BROKERS, SERVERS, TormentedCluster } from './cluster/tormented-cluster.ts';
import type { Choice } from './options.ts';
import { findingLines, isGood, resultJson, resultTable, roundLine, type Skipped } from './report.ts';
import { type RoundResult, runRound } from './round.ts';
import type { Scenario } from './scenarios/scenario.ts';

interface Surroundings {
  readonly workplace: Workplace;
  /** Why there are no namespaces; null: this is inside one. */
  readonly lacksNamespaces: string | null;
  readonly seed: number;
  /** A line for the user on the way. */
  readonly say: (line: string) => void;
  /** Resolves to an exit status when the user has enough. */
  readonly interrupted: Promise<number>;
}

/** The exit status. */
export async function runTorture(choice: Choice, surroundings: Surroundings): Promise<number> {
  const run = new Run(choice, surroundings);
  try {
    return await Promise.race([surroundings.interrupted, run.all()]);
  } finally {
    await run.close();
  }
}

class Run {
  readonly #choice: Choice;
  readonly #surroundings: Surroundings;
  readonly #network: Network;
  readonly #noEnsemble: string | null = ensembleLacks();
  readonly #skipped: Skipped[] = [];
  readonly #results: RoundResult[] = [];
  #programs: Programs = new Map();
  #told: readonly string[] = [];
  #cluster: TormentedCluster | null = null;

  constructor(choice: Choice, surroundings: Surroundings) {
    this.#choice = choice;
    this.#surroundings = surroundings;
    const { lacksNamespaces } = surroundings;
    const servers = this.#noEnsemble === null ? SERVERS : 0;
    this.#network =
      lacksNamespaces === null ? new Namespaces(BROKERS, servers) : new Loopback(lacksNamespaces);
  }

  get #zookeeper(): string {
    if (this.#noEnsemble === null) return `${SERVERS} servers of ZooKeeper`;
    return `the embedded ZooKeeper (${this.#noEnsemble})`;
  }

  async all(): Promise<number> {
    const { say, seed } = this.#surroundings;
    const { rounds, json } = this.#choice;
    say(`${BROKERS} brokers on ${this.#zookeeper}, ${this.#network.description}, seed ${seed}`);
    const clients = await this.#ableClients();
    const scenarios = this.#choice.scenarios.filter((each) => this.#isPossible(each));
    for (const { what, why } of this.#skipped) say(`skipped: ${what}: ${why}`);
    if (clients.length === 0 || scenarios.length === 0) throw new Error('nothing of this can be run here');
    let number = 0;
    for (let round = 1; round <= rounds; round++)
      for (const scenario of scenarios) await this.#round(scenario, { round, number: ++number, clients });
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    if (json) print(this.#json());
    else for (const line of resultTable(this.#results)) print(line);
    return this.#results.every(isGood) ? 0 : 1;
  }

  async close(): Promise<void> {
    await this.#cluster?.close();
  }

  async #ableClients(): Promise<Client[]> {
    const { clients } = this.#choice;
    const wanted = [...new Set(clients.map(({ name }) => name))];
    const { workplace, say } = this.#surroundings;
    const { programs, lacking, told } = await findPrograms(workplace, wanted, say);
    this.#programs = programs;
    this.#told = told;
    for (const line of told) say(line);
    for (const [what, why] of lacking) this.#skipped.push({ what, why });
    return clients.filter(({ name }) => programs.has(name));
  }

  #isPossible({ name, needs }: Scenario): boolean {
    const ensemble = this.#noEnsemble === null ? null : `needs an ensemble of ZooKeeper: ${this.#noEnsemble}`;
    const why = needs === 'cuts' ? this.#network.lacksCuts : needs === 'ensemble' ? ensemble : null;
    if (why !== null) this.#skipped.push({ what: name, why });
    return why === null;
  }

  async #round(
    scenario: Scenario,
    o: { readonly round: number; readonly number: number; readonly clients: readonly Client[] },
  ): Promise<void> {
    const { workplace, seed, say } = this.#surroundings;
    this.#cluster ??= await TormentedCluster.start(workplace, this.#network);
    const random = simulatedRandom(seed + o.number * 1000);
    const options = { workplace, cluster: this.#cluster, programs: this.#programs, random, ...o };
    const result = await runRound(scenario, options);
    const keptIn = isGood(result) ? null : this.#keep(result, o.number);
    this.#results.push({ ...result, directory: keptIn });
    say(roundLine(result, this.#choice.rounds));
    if (keptIn !== null) {
      for (const line of findingLines(result, keptIn)) say(line);
      // What is broken must not break the next round as well.
      await this.#cluster.close();
      this.#cluster = null;
    }
  }

  /** Histories, logs and what was found, beyond the end of the run. */
  #keep(result: RoundResult, number: number): string {
    const { seed } = this.#surroundings;
    const directory = resolve(this.#choice.out, `seed-${seed}`, `${number}-${result.scenario}`);
    mkdirSync(directory, { recursive: true });
    if (result.directory !== null) cpSync(result.directory, directory, { recursive: true });
    for (const { id, logFile } of this.#cluster?.brokers ?? [])
      cpSync(logFile, join(directory, `broker-${id}.log`));
    writeFileSync(join(directory, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    return directory;
  }

  #json(): string {
    return resultJson({
      seed: this.#surroundings.seed,
      network: this.#network.description,
      zookeeper: this.#zookeeper,
      results: this.#results,
      clients: this.#told,
      skipped: this.#skipped,
    });
  }
}
