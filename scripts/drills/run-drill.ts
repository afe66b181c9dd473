/**
 * Runs one drill: a cluster, a load, its steady state, the steps, everything healed, the cluster whole again;
 * then everything is read back and judged. Whatever happens, nothing of it is left.
 */
import type { Java } from '../benchmark/systems/java.ts';
import type { Workplace } from '../benchmark/workplace.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import type { Network } from '../torment/cluster/network.ts';
import { disagreements } from '../torment/cluster/settled.ts';
import { carryOut, DidNotCome, kindsSince, pause, type Stage } from './carry-out.ts';
import { Casting } from './casting.ts';
import { ClientGateways } from './client-gateways.ts';
import type { Drill } from './drill.ts';
import type { DrilledCluster } from './drilled-cluster.ts';
import { judgedBy, type Verdict } from './judgement.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import type { DrillLoad, LoadFindings } from './load.ts';
import { forSessionsOf } from './longer-sessions.ts';
import { OwnCluster } from './own-cluster.ts';
import { OwnLoad } from './own-load.ts';
import type { Span } from './score.ts';
import { type Mark, timelineOf } from './timeline.ts';
import { WatchedClients } from './watched-clients.ts';

export interface DrillResult extends LoadFindings {
  readonly drill: Drill;
  /** What it was run on. */
  readonly system: string;
  readonly startedMs: number;
  readonly tookMs: number;
  /** Who played which part. */
  readonly parts: Readonly<Record<string, number>>;
  readonly during: Span;
  readonly verdicts: readonly Verdict[];
  readonly timeline: readonly Mark[];
}

/** What a drill is run on, and who speaks to it. */
export type DrillSetting =
  | { readonly of: 'odradek' }
  /** Odradek, with somebody's clients: broker N is at `basePort` + N - 1 for them. */
  | { readonly of: 'odradek for clients'; readonly basePort: number }
  /** A cluster of Odradek that runs already, of any number of brokers, and is there for more than this. */
  | { readonly of: 'lent'; readonly cluster: LocalCluster }
  | KafkaSetting;

export interface KafkaSetting {
  readonly of: 'kafka';
  readonly version: string;
  readonly java: Java;
  /** Another one for each drill. */
  readonly network: () => Network;
  /** Why brokers can't be cut from each other in it; null: they can. */
  readonly lacksCuts: string | null;
}

interface DrillTools {
  readonly workplace: Workplace;
  readonly setting: DrillSetting;
  /** What is done, as it is done. */
  readonly say: (line: string) => void;
  /** Aborted: the run is called off, and rejects once nothing of it is left. */
  readonly signal: AbortSignal;
}

const AFTERMATH_MS = 2000;
const LOOK_MS = 100;
const SETTLE_MS = 60_000;
/** Of processes that are all new. */
const START_MS = 180_000;

export async function runDrill(asked: Drill, tools: DrillTools): Promise<DrillResult> {
  const { setting } = tools;
  const drill =
    setting.of === 'lent' ? forSessionsOf(asked, setting.cluster.options.sessionTimeoutMs) : asked;
  const directory = tools.workplace.folder(drill.name);
  const gateways = setting.of === 'odradek for clients' ? await ClientGateways.open(setting.basePort) : null;
  try {
    const cluster = await startCluster(drill, { directory, tools, gateways });
    try {
      const run = new DrillRun(drill, { cluster, directory, tools, gateways }).run();
      return await Promise.race([run, calledOff(tools.signal)]);
    } finally {
      await cluster.close();
    }
  } finally {
    await gateways?.close();
  }
}

async function startCluster(
  drill: Drill,
  { directory, tools, gateways }: Pick<Surroundings, 'directory' | 'tools' | 'gateways'>,
): Promise<DrilledCluster> {
  const { setting, workplace, signal } = tools;
  if (setting.of === 'lent') return OwnCluster.lent(setting.cluster);
  if (setting.of === 'kafka')
    return KafkaCluster.start(drill, {
      ...setting,
      workplace,
      directory,
      signal,
      network: setting.network(),
    });
  if (gateways === null) return OwnCluster.start(drill, { directory, signal });
  const cluster = await OwnCluster.start(drill, {
    ...{ directory, signal },
    advertisedPort: (id) => gateways.portOf(id),
    // Clients find what they would find at Kafka's defaults, with as many replicas as a drill needs.
    properties: { 'auto.create.topics.enable': 'true', 'num.partitions': '3' },
  });
  gateways.leadTo((id) => cluster.portOf(id));
  return cluster;
}

/** Rejects when it is; what goes on meanwhile finds its cluster gone, and ends. */
function calledOff(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const callOff = (): void => reject(new Error('the drill was called off'));
    if (signal.aborted) callOff();
    signal.addEventListener('abort', callOff, { once: true });
  });
}

interface Surroundings {
  readonly cluster: DrilledCluster;
  readonly directory: string;
  readonly tools: DrillTools;
  /** In front of the brokers, where clients are watched. */
  readonly gateways: ClientGateways | null;
}

class DrillRun {
  readonly #drill: Drill;
  readonly #cluster: DrilledCluster;
  readonly #tools: DrillTools;
  readonly #gateways: ClientGateways | null;
  readonly #load: DrillLoad;
  readonly #marks: Mark[] = [];
  readonly #startedMs = Date.now();

  constructor(drill: Drill, { cluster, directory, tools, gateways }: Surroundings) {
    this.#drill = drill;
    this.#cluster = cluster;
    this.#tools = tools;
    this.#gateways = gateways;
    const untilWhole = (): Promise<void> => this.#untilWhole();
    const { topicConfigs } = drill;
    const { workplace, setting } = tools;
    // There may be one of an earlier drill.
    const topic = setting.of === 'lent' ? `drill-${this.#startedMs}` : 'drill';
    this.#load =
      gateways === null
        ? new OwnLoad({ workplace, directory, cluster, topic, topicConfigs, untilWhole })
        : new WatchedClients({ gateways, cluster });
  }

  async run(): Promise<DrillResult> {
    try {
      return await this.#run();
    } finally {
      await this.#load.close();
    }
  }

  async #run(): Promise<DrillResult> {
    const { signal } = this.#tools;
    await this.#untilWhole(START_MS);
    if (this.#gateways !== null) {
      const servers = this.#gateways.bootstrapServers;
      this.#mark(`bootstrap.servers=${servers}: the drill begins when something is produced there`);
    }
    const topic = await this.#load.begin(signal);
    await this.#untilWhole();
    await pause(this.#load.warmUpMs, signal);
    this.#mark(this.#gateways === null ? 'steady state' : `steady state, of topic ${topic}`);
    const casting = new Casting({ cluster: this.#cluster, topic });
    const stage = this.#stage(topic, casting);
    const fromMs = Date.now();
    const missed = await this.#strike(stage);
    await this.#cluster.heal();
    const toMs = Date.now();
    this.#mark('everything is healed');
    await this.#untilWhole();
    this.#mark('the cluster is whole again');
    await pause(AFTERMATH_MS, signal);
    return this.#judge(stage, { during: { fromMs, toMs }, missed });
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
    stage: Stage,
    { during, missed }: { readonly during: Span; readonly missed: string | null },
  ): Promise<DrillResult> {
    const findings = await this.#load.findings(during);
    const kinds = this.#cluster.keepsJournals ? kindsSince(stage) : null;
    const verdicts = judgedBy(this.#drill.must, findings.score, kinds);
    const came: Verdict = { held: missed === null, words: missed ?? 'everything that was waited for came' };
    return {
      ...findings,
      drill: this.#drill,
      system: nameOf(this.#tools.setting),
      startedMs: this.#startedMs,
      tookMs: Date.now() - this.#startedMs,
      parts: stage.casting.parts,
      during,
      verdicts: [came, ...verdicts],
      timeline: timelineOf(this.#marks, this.#cluster.events.slice(stage.eventsBefore)),
    };
  }

  #stage(topic: string, casting: Casting): Stage {
    return {
      cluster: this.#cluster,
      topic,
      casting,
      mark: (what) => this.#mark(what),
      acknowledged: () => this.#load.acknowledged(),
      eventsBefore: this.#cluster.events.length,
      signal: this.#tools.signal,
    };
  }

  #mark(what: string): void {
    this.#marks.push({ atMs: Date.now(), who: 'drill', what });
    this.#tools.say(what);
  }

  /** Every broker answers, all agree, and all replicas are in sync. */
  async #untilWhole(limitMs = SETTLE_MS): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      const wrong = await this.#wrong();
      if (wrong === null) return;
      if (performance.now() > deadlineMs)
        throw new Error(`the cluster is not whole within ${limitMs / 1000} s: ${wrong}`);
      await pause(LOOK_MS, this.#tools.signal);
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

function nameOf(setting: DrillSetting): string {
  return setting.of === 'kafka' ? `Apache Kafka ${setting.version}` : 'Odradek';
}
