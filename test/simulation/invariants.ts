/**
 * What must be true of a cluster after every event, whatever has happened to it. Each checker remembers
 * what it has seen, gets views of the present, and tells of what can't be. Source: the guarantees of
 * Kafka's replication (KIP-101, KIP-279, KIP-966's rule on min.insync.replicas) and controller (KIP-380).
 */

import { CommittedLogs } from './committed-logs.ts';
import type { Acknowledgement, ConsumedRecord } from './history.ts';
import { type LogRules, STRICT } from './log-rules.ts';
import type {
  Broken,
  ControllerView,
  ObservedReplicas,
  ReplicaView,
  StateView,
  TreeView,
} from './observation.ts';
import { StableOffsets } from './stable-offsets.ts';
import { ToldEvents } from './told-events.ts';
import { UncleanElections } from './unclean-elections.ts';

/** At most one broker leads a partition in one leader epoch, and it is the one that the tree names. */
export class OneLeaderPerEpoch {
  readonly #broken: Broken;
  readonly #acting = new Map<string, number>();
  readonly #elected = new Map<string, number>();

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  /** To be shown every state of the tree before the replicas that go by it. */
  elected({ key, leaderEpoch, leader, name }: StateView): void {
    const at = `${key}@${leaderEpoch}`;
    const before = this.#elected.get(at);
    if (before !== undefined && before !== leader)
      this.#broken(`${name}: brokers ${before} and ${leader} are elected in leader epoch ${leaderEpoch}`);
    this.#elected.set(at, leader);
  }

  check({ term, name, role, leaderEpoch, brokerId }: ReplicaView): void {
    if (role !== 'leader') return;
    const other = this.#acting.get(term);
    if (other === brokerId) return;
    if (other !== undefined)
      this.#broken(`${name}: brokers ${other} and ${brokerId} lead in epoch ${leaderEpoch}`);
    const elected = this.#elected.get(term);
    if (elected !== brokerId)
      this.#broken(`${name}: ${brokerId} leads in epoch ${leaderEpoch}, in which ${elected} is elected`);
    this.#acting.set(term, brokerId);
  }
}

const MARKS = ['highWatermark', 'lastStableOffset', 'leaderEpoch', 'partitionEpoch', 'startOffset'] as const;

/** While a process lives, a replica's marks and epochs only rise. */
export class RisingMarks {
  readonly #broken: Broken;
  readonly #rules: LogRules;
  readonly #seen = new Map<string, ReplicaView>();

  constructor(broken: Broken, rules: LogRules = STRICT) {
    this.#broken = broken;
    this.#rules = rules;
  }

  check(replica: ReplicaView): void {
    const { brokerId, id } = replica;
    const before = this.#seen.get(id);
    this.#seen.set(id, replica);
    if (before !== undefined && !this.#mayHaveLost(before, replica)) {
      for (const mark of MARKS) {
        if (replica[mark] < before[mark])
          this.#broken(
            `${replica.name}: ${mark} on broker ${brokerId} fell from ${before[mark]} to ${replica[mark]}`,
          );
      }
    }
    if (replica.highWatermark > replica.endOffset)
      this.#broken(`${replica.name}: on broker ${brokerId} the high watermark is beyond the end of the log`);
    if (replica.lastStableOffset > replica.highWatermark)
      this.#broken(`${replica.name}: on broker ${brokerId} what is not committed counts as stable`);
  }

  /** Who follows a leader that was elected uncleanly takes over its loss, some time after its epoch. */
  #mayHaveLost(before: ReplicaView, { name, role, leaderEpoch }: ReplicaView): boolean {
    return this.#rules.isUnclean(name) && (role !== 'leader' || leaderEpoch !== before.leaderEpoch);
  }
}

/** A controller epoch belongs to one term of one broker, and nobody's is ahead of the tree's. */
export class OneControllerPerEpoch {
  readonly #broken: Broken;
  readonly #terms = new Map<number, string>();

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  check({ brokerId, life, epoch }: ControllerView, tree: TreeView): void {
    if (epoch === null) return;
    const who = `${brokerId}.${life}`;
    const other = this.#terms.get(epoch);
    if (other !== undefined && other !== who)
      this.#broken(`controllers ${other} and ${who} are active in epoch ${epoch}`);
    this.#terms.set(epoch, who);
    if (epoch > tree.controllerEpoch)
      this.#broken(`controller ${who} has epoch ${epoch}, the tree ${tree.controllerEpoch}`);
    if (epoch === tree.controllerEpoch && tree.controllerId !== null && tree.controllerId !== brokerId)
      this.#broken(`controller ${who} is active in epoch ${epoch}, in which ${tree.controllerId} is elected`);
  }
}

/** Epochs in the tree only rise, so no zombie has written; in-sync replicas are never none, and leaders are of them. */
export class SoundStates {
  readonly #broken: Broken;
  readonly #unclean: (state: StateView) => boolean;
  readonly #seen = new Map<string, StateView>();

  /** `unclean` is told of elections that are, and answers whether they may be. */
  constructor(broken: Broken, unclean: (state: StateView) => boolean = () => false) {
    this.#broken = broken;
    this.#unclean = unclean;
  }

  check(state: StateView): void {
    const { key, name, isr, leader } = state;
    if (isr.length === 0) this.#broken(`${name}: no replica is in sync`);
    if (leader >= 0 && !isr.includes(leader))
      this.#broken(`${name}: leader ${leader} is not in sync: ${isr}`);
    const before = this.#seen.get(key);
    this.#seen.set(key, state);
    if (before === undefined) return;
    for (const epoch of ['leaderEpoch', 'partitionEpoch', 'controllerEpoch'] as const) {
      if (state[epoch] < before[epoch])
        this.#broken(`${name}: ${epoch} in the tree fell from ${before[epoch]} to ${state[epoch]}`);
    }
    if (leader !== before.leader && state.leaderEpoch === before.leaderEpoch)
      this.#broken(`${name}: the leader changed from ${before.leader} to ${leader} without a new epoch`);
    if (leader >= 0 && leader !== before.leader && !before.isr.includes(leader) && !this.#unclean(state))
      this.#broken(`${name}: ${leader} was elected and was not in sync (${before.isr})`);
  }
}

/** All of them together, over a whole run. */
export class Invariants {
  readonly logs: CommittedLogs;
  readonly events: ToldEvents;
  readonly stable: StableOffsets;
  readonly unclean = new UncleanElections();
  readonly #rules: LogRules;
  readonly #leaders: OneLeaderPerEpoch;
  readonly #marks: RisingMarks;
  readonly #controllers: OneControllerPerEpoch;
  readonly #states: SoundStates;
  /** The epoch of the last election of each partition, as in the tree. */
  readonly #leaderEpochs = new Map<string, number>();
  #treeChanged = false;
  /** That were checked last, with the tree as it is unless it has changed. */
  #checked: readonly ControllerView[] | null = null;

  constructor(broken: Broken, rules: LogRules = STRICT) {
    this.#rules = rules;
    this.logs = new CommittedLogs(broken, rules);
    this.events = new ToldEvents(broken);
    this.stable = new StableOffsets(broken);
    this.#leaders = new OneLeaderPerEpoch(broken);
    this.#marks = new RisingMarks(broken, rules);
    this.#controllers = new OneControllerPerEpoch(broken);
    this.#states = new SoundStates(broken, (state) => this.#electedUncleanly(state));
  }

  /** After every change of the tree, before the replicas are checked. */
  treeChanged(tree: TreeView): void {
    this.#treeChanged = true;
    this.events.treeChanged(tree);
    for (const state of tree.states) {
      this.#leaderEpochs.set(state.key, state.leaderEpoch);
      this.#leaders.elected(state);
      this.#states.check(state);
    }
  }

  check(replicas: ObservedReplicas, controllers: readonly ControllerView[], tree: TreeView): void {
    this.events.check();
    if (controllers !== this.#checked || this.#treeChanged)
      for (const controller of controllers) this.#controllers.check(controller, tree);
    this.#checked = controllers;
    const { fresh } = replicas;
    if (fresh.length === 0 && !this.#treeChanged) return;
    for (const replica of fresh) this.#checkReplica(replica);
    if (this.#treeChanged) this.#checkLeaders(replicas.all);
    // Of a partition none of whose replicas has changed nothing more is committed.
    else for (const key of new Set(fresh.map((one) => one.key))) this.#checkLeaders(replicas.partition(key));
    this.#treeChanged = false;
  }

  acknowledged(acknowledgement: Acknowledgement): void {
    const { topic, partition } = acknowledgement;
    if (this.#rules.isUnclean(`${topic}-${partition}`)) this.unclean.acknowledged(acknowledgement);
    else this.logs.checkAcknowledged(acknowledgement);
  }

  consumed(record: ConsumedRecord): void {
    this.logs.checkConsumed(record);
  }

  #checkReplica(replica: ReplicaView): void {
    this.#leaders.check(replica);
    this.#marks.check(replica);
    // What is lost by an unclean election is known of by its leader first.
    if (this.#rules.isUnclean(replica.name)) {
      if (this.#leadsNow(replica)) this.logs.check(replica);
      return;
    }
    this.stable.check(replica);
    this.logs.check(replica);
  }

  #checkLeaders(replicas: readonly ReplicaView[]): void {
    for (const replica of replicas) if (this.#leadsNow(replica)) this.logs.checkLeader(replica);
  }

  #leadsNow({ role, leaderEpoch, key }: ReplicaView): boolean {
    return role === 'leader' && leaderEpoch === this.#leaderEpochs.get(key);
  }

  #electedUncleanly({ name, key, leaderEpoch }: StateView): boolean {
    if (!this.#rules.isUnclean(name)) return false;
    this.unclean.elected(key, leaderEpoch);
    this.logs.electedUncleanly(key, leaderEpoch);
    return true;
  }
}
