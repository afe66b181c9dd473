/**
 * One term of office on a tree that answers at once, for tests that end it between two steps. Everything
 * that leaves the term is counted: requests to brokers, commits, watches, answers to who waits.
 */
import { LiveValue } from '../../../broker/config/live.ts';
import { BrokerChannels } from '../../../broker/controller/broker-channels.ts';
import { takeOffice } from '../../../broker/controller/failover.ts';
import { Term } from '../../../broker/controller/term.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import type {
  Change,
  Committed,
  Coordinator,
  Rejected,
  Watch,
  ZNode,
} from '../../../coordinator-client/coordinator.ts';
import type { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';
import { assignment } from './cluster.ts';

const BROKERS = [1, 2, 3, 4];

/** A session whose requests are answered in the next microtask. */
class ImmediateSession implements Coordinator {
  readonly session = 'connected';
  readonly sessionId: bigint;
  readonly sessionTimeoutMs = 18_000;
  /** Answers so far, and what is done before each is given. */
  answers = 0;
  beforeAnswer: () => void = () => {};
  /** Commits asked for, and watches set. */
  effects = 0;
  readonly #tree: LocalTree;

  constructor(tree: LocalTree) {
    this.#tree = tree;
    this.sessionId = tree.openSession({ nowMs: 0, timeMs: 0 });
  }

  onSession(): Watch {
    return { close: () => {} };
  }

  read(path: string): Promise<ZNode | null> {
    return this.#answer(this.#tree.read(path));
  }

  children(path: string): Promise<readonly string[] | null> {
    return this.#answer(this.#tree.children(path));
  }

  commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    this.effects++;
    return this.#answer(this.#tree.commit(changes, this.sessionId, 0));
  }

  watch(): Watch {
    this.effects++;
    return { close: () => {} };
  }

  sync(): Promise<void> {
    return this.#answer(undefined);
  }

  async close(): Promise<void> {}

  async #answer<Answer>(answer: Answer): Promise<Answer> {
    await Promise.resolve();
    this.answers++;
    this.beforeAnswer();
    return answer;
  }
}

export class OneTerm {
  readonly world: World;
  readonly session: ImmediateSession;
  /** Of brokers and of others who wait for an answer. */
  told = 0;
  readonly #store: ClusterStore;
  #term: Term | null = null;

  constructor(seed: number) {
    this.world = new World({ seed });
    this.session = new ImmediateSession(this.world.tree);
    this.#store = new ClusterStore(this.session);
  }

  get term(): Term {
    if (this.#term === null) throw new Error('no term yet');
    return this.#term;
  }

  /** All that has left the term. */
  get effects(): number {
    return this.session.effects + this.told;
  }

  /** Four brokers, and the topics `t` and `u` with two partitions of three replicas each. */
  async build(): Promise<void> {
    await this.#store.ensureTopLevelPaths();
    for (const id of BROKERS) await this.register(id);
    this.put('/controller_epoch', '1');
    for (const name of ['t', 'u']) await this.makeTopic(name);
  }

  register(id: number): Promise<number> {
    const endpoints = ['PLAINTEXT', 'PEER'].map((listener) => {
      return { listener, host: `b${id}`, port: 9092, securityProtocol: 'PLAINTEXT' };
    });
    return this.#store.registerBroker({
      id,
      endpoints,
      rack: null,
      jmxPort: -1,
      timestampMs: 1,
      features: new Map(),
    });
  }

  makeTopic(name: string): Promise<unknown> {
    return this.#store.topics.create(name, assignment([this.replicas(), this.replicas()]), new Map());
  }

  /** Three of the brokers, in any order. */
  replicas(): number[] {
    const ids = [...BROKERS];
    ids.splice(this.world.random.int(ids.length), 1);
    const [first] = ids.splice(this.world.random.int(ids.length), 1);
    return [first as number, ...ids];
  }

  /** Writes a node by another's hand. */
  put(path: string, text: string): void {
    const data = Buffer.from(text);
    const change: Change =
      this.world.tree.read(path) === null
        ? { op: 'create', path, data, lifetime: 'persistent' }
        : { op: 'put', path, data, version: -1 };
    this.#hand(change);
  }

  remove(path: string): void {
    this.#hand({ op: 'remove', path, version: -1 });
  }

  /** A new term, which has not taken office yet. */
  begin(): Term {
    const { clock, random, journal, diagnostics } = this.world.platform('b1', { diagnostics: silent });
    const channels = new BrokerChannels({
      peers: {
        request: async () => {
          this.told++;
          return { error: 0, partitions: [] } as never;
        },
      },
      clock,
      diagnostics,
      requestTimeoutMs: 1000,
      answered: () => {},
    });
    this.#term = new Term({
      brokerId: 1,
      coordinator: this.session,
      epoch: 1,
      epochVersion: 0,
      channels,
      config: {
        autoLeaderRebalanceEnable: true,
        leaderImbalancePerBrokerPercentage: 10,
        leaderImbalanceCheckIntervalSeconds: 300,
        deleteTopicEnable: true,
        controllerSocketTimeoutMs: 1000,
      },
      liveConfig: new LiveValue({ uncleanLeaderElectionEnable: false }),
      clock,
      random,
      diagnostics,
      journal,
      schedule: () => {},
      repairSoon: () => {},
      elections: { add: () => {} },
      uncleanElections: { add: () => {} },
    });
    return this.#term;
  }

  async inOffice(): Promise<Term> {
    const term = this.begin();
    await takeOffice(term, 0);
    return term;
  }

  #hand(change: Change): void {
    const answer = this.world.tree.commit([change], 0n, 0);
    if (!answer.ok) throw new Error(`${change.op} of ${change.path}: ${answer.reason}`);
  }
}
