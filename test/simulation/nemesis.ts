/**
 * Who makes things go wrong, by a seed. Two kinds of fault, two budgets:
 *
 * - Nothing on disk is lost (kill -9, also in the middle of a write, SIGSTOP, cut links, lost sessions, clean
 *   stops, clocks that jump): several at once, of any brokers. Replication promises then that what is
 *   acknowledged stays; it may be unavailable.
 * - A power failure, or a disk that can't sync, loses what was not synced, and Kafka syncs nothing before it acknowledges. With three
 *   replicas and min.insync.replicas=2 an acknowledged record is in the memory of two machines, so it
 *   survives one such failure at a time: it happens only to a healthy cluster, and nothing else happens
 *   until the broker is back in sync everywhere. A controller's machine is switched on again only after
 *   the others have taken it out of the in-sync sets: a new controller takes what came back before it
 *   looked for what it was, and Kafka with ZooKeeper can't tell either.
 *
 * Bits that turn over, where they do, have the second budget: other replicas have what has rotted (`bit-rot.ts`).
 *
 * Unclean election is off throughout. At the end everything is healed.
 */
import type { Random } from '../../broker/platform/random.ts';
import { BitRot, type Rotten } from './bit-rot.ts';
import { type Fault, isHealthy, isInSync } from './fault.ts';
import { observeTree } from './observation.ts';
import type { SimulatedCluster, Ways } from './simulated-cluster.ts';

const LONGEST_CALMS_MS = [600, 1500, 3000];
const LONGEST_FAULT_MS = 6000;
const ASK_AGAIN_MS = 100;
/** Between two answers that the tree loses, where it loses them. */
const LONGEST_SOUND_MS = 400;
const LARGEST_STEP_MS = 20_000;
/** A broker is given so long to stop cleanly before it is killed. */
const STOP_LIMIT_MS = 4000;
const LONGEST_RECOVERY_MS = 30;
/** As many of the kinds of faults, where bits turn over: they need a cluster that is well. */
const ROT_OFTEN = 12;
const ARROWS: Readonly<Record<Ways, string>> = { both: '<>', there: '>', back: '<' };

export class Nemesis {
  readonly #cluster: SimulatedCluster;
  readonly #random: Random;
  /** Where what has rotted is noted; without it nothing does. */
  readonly #rotten: Rotten | null;
  readonly #mostAtOnce: number;
  readonly #longestCalmMs: number;
  /** All the time now and then a commit's outcome stays unknown. */
  readonly #loseAnswers: boolean;
  readonly #active = new Set<Fault>();
  readonly #busy = new Set<number>();
  #stopped = false;
  /** Faults so far, for the verdict. */
  count = 0;

  constructor(cluster: SimulatedCluster, random: Random, rotten: Rotten | null = null) {
    this.#cluster = cluster;
    this.#random = random;
    this.#rotten = rotten;
    this.#mostAtOnce = 1 + random.int(3);
    this.#longestCalmMs = LONGEST_CALMS_MS[random.int(LONGEST_CALMS_MS.length)] ?? 0;
    this.#loseAnswers = random.int(4) === 0;
  }

  start(): void {
    this.#later();
    if (this.#loseAnswers) this.#loseAnswersNowAndThen();
  }

  /** No new faults; what lasts is ended as soon as it can be. */
  stop(): void {
    this.#stopped = true;
    for (const fault of [...this.#active]) this.#end(fault);
  }

  get isOver(): boolean {
    return this.#active.size === 0;
  }

  #later(): void {
    this.#cluster.clock.after(this.#random.int(this.#longestCalmMs), () => {
      if (this.#stopped) return;
      this.#strike();
      this.#later();
    });
  }

  #loseAnswersNowAndThen(): void {
    this.#cluster.clock.after(this.#random.int(LONGEST_SOUND_MS), () => {
      if (this.#stopped) return;
      this.#loseNext(1 + this.#random.int(this.#cluster.machines.length), this.#random.int(2) === 0);
      this.#loseAnswersNowAndThen();
    });
  }

  #strike(): void {
    const { trace } = this.#cluster;
    const fault = this.#pick();
    const exclusive = [...this.#active].some(({ losesData }) => losesData === true);
    if (exclusive || this.#active.size >= this.#mostAtOnce || fault === null) return;
    if (fault.losesData === true && !(this.#active.size === 0 && isHealthy(this.#cluster))) return;
    this.count++;
    trace.add(`+ ${fault.name}`);
    this.#active.add(fault);
    fault.start();
    const shortOrLong = this.#random.int(2) === 0 ? 400 : LONGEST_FAULT_MS;
    this.#cluster.clock.after(this.#random.int(shortOrLong), () => this.#end(fault));
  }

  #end(fault: Fault): void {
    if (!this.#active.has(fault)) return;
    if (!fault.end()) {
      this.#cluster.clock.after(ASK_AGAIN_MS, () => this.#end(fault));
      return;
    }
    this.#active.delete(fault);
    this.#cluster.trace.add(`- ${fault.name}`);
  }

  #pick(): Fault | null {
    const { random: chance, ids } = { random: this.#random, ids: this.#cluster.machines.map(({ id }) => id) };
    const controllerId = observeTree(this.#cluster.tree).controllerId;
    const random = ids[chance.int(ids.length)] ?? 1;
    const id = chance.int(4) === 0 ? (controllerId ?? random) : random;
    const other = ids[(ids.indexOf(id) + 1 + chance.int(ids.length - 1)) % ids.length] ?? 1;
    const kinds = [
      () => this.#kill(id),
      () => this.#killInWrite(id),
      () => this.#powerFailure(id),
      () => this.#powerFailure(id),
      () => this.#failedSyncs(id),
      () => this.#pause(id),
      () => this.#pause(id),
      () => this.#cleanStop(id),
      () => this.#cutLink(id, other),
      () => this.#isolate(id),
      () => this.#cutFromTree(id),
      () => this.#cutFromTree(id),
      () => this.#cutFromClients(id),
      () => this.#expire(id),
      () => this.#unknownOutcome(id),
      () => this.#stepWallClock(),
      () => this.#stepClockOf(id),
      ...(this.#rotten === null ? [] : Array.from({ length: ROT_OFTEN }, () => () => this.#rot(id))),
    ];
    return kinds[chance.int(kinds.length)]?.() ?? null;
  }

  /** A fault of one broker that no other fault of this kind may touch meanwhile. */
  #ofBroker(id: number, fault: Fault, alsoStarting = false): Fault | null {
    const { status } = this.#cluster.machine(id);
    const fits = status === 'running' || (alsoStarting && status === 'starting');
    if (this.#busy.has(id) || !fits) return null;
    return {
      ...fault,
      start: () => {
        this.#busy.add(id);
        fault.start();
      },
      end: () => {
        const over = fault.end();
        if (over) this.#busy.delete(id);
        return over;
      },
    };
  }

  #startAgain(id: number): boolean {
    this.#cluster.start(id);
    return true;
  }

  #kill(id: number): Fault | null {
    const fault = {
      name: `kill ${id}`,
      start: () => this.#cluster.crash(id, 'all'),
      end: () => this.#startAgain(id),
    };
    return this.#ofBroker(id, fault, true);
  }

  #powerFailure(id: number): Fault | null {
    const cluster = this.#cluster;
    const keep = this.#random.int(2) === 0 ? 'synced' : cluster.fork();
    const isController = observeTree(cluster.tree).controllerId === id;
    const atOnce = !isController && this.#random.int(2) === 0;
    // Once more, in the middle of recovery.
    let failsAgain = this.#random.int(3) === 0;
    const againMs = this.#random.int(LONGEST_RECOVERY_MS);
    let isBack = false;
    const again = (): void => {
      if (!isBack || cluster.machine(id).status !== 'starting') return;
      cluster.trace.add(`  and again ${id}`);
      cluster.crash(id, keep);
      failsAgain = false;
      isBack = false;
    };
    return this.#ofBroker(id, {
      name: `power failure ${id}${keep === 'synced' ? '' : ', something is left'}${atOnce ? ', back at once' : ''}`,
      losesData: true,
      start: () => cluster.crash(id, keep),
      end: () => {
        if (!isBack && (atOnce || !isInSync(cluster, id))) {
          isBack = this.#startAgain(id);
          if (failsAgain) cluster.clock.after(againMs, () => again());
        }
        return isBack && isHealthy(cluster);
      },
    });
  }

  /** Bytes that were being written when the process died are there up to some point. */
  #killInWrite(id: number): Fault | null {
    const cluster = this.#cluster;
    const random = cluster.fork();
    const { life } = cluster.machine(id);
    return this.#ofBroker(id, {
      name: `kill ${id} while it writes`,
      start: () => cluster.crashInWrite(id, random),
      end: () => {
        cluster.healDisk(id);
        const { status, life: now } = cluster.machine(id);
        if (now === life && status !== 'down') cluster.crash(id, 'all');
        return this.#startAgain(id);
      },
    });
  }

  /** What could not be synced is lost in part, and the broker ends, for its only directory has failed. */
  #failedSyncs(id: number): Fault | null {
    const cluster = this.#cluster;
    const { life } = cluster.machine(id);
    let isBack = false;
    return this.#ofBroker(id, {
      name: `syncs of ${id} fail`,
      losesData: true,
      start: () => cluster.failSyncs(id),
      end: () => {
        cluster.healDisk(id);
        const { status, life: now } = cluster.machine(id);
        if (now === life && status !== 'down') cluster.crash(id, cluster.fork());
        if (!isBack && !isInSync(cluster, id)) isBack = this.#startAgain(id);
        return isBack && isHealthy(cluster);
      },
    });
  }

  #rot(id: number): Fault | null {
    const rot = this.#rotten === null ? null : BitRot.of(this.#cluster, id, this.#random, this.#rotten);
    return rot === null ? null : this.#ofBroker(id, rot);
  }

  #pause(id: number): Fault | null {
    return this.#ofBroker(id, {
      name: `pause ${id}`,
      start: () => this.#cluster.pause(id),
      end: () => {
        this.#cluster.resume(id);
        return true;
      },
    });
  }

  #cleanStop(id: number): Fault | null {
    const cluster = this.#cluster;
    const { life } = cluster.machine(id);
    let waitedMs = 0;
    return this.#ofBroker(id, {
      name: `stop ${id}`,
      start: () => void cluster.stop(id),
      end: () => {
        const { status, life: now } = cluster.machine(id);
        if (now === life && status === 'stopping') {
          waitedMs += ASK_AGAIN_MS;
          if (waitedMs < STOP_LIMIT_MS) return false;
          cluster.crash(id, 'all');
        }
        return this.#startAgain(id);
      },
    });
  }

  #cutLink(one: number, other: number): Fault {
    const ways = this.#ways();
    return {
      name: `cut ${one}${ARROWS[ways]}${other}`,
      start: () => this.#cluster.cut(one, other, ways),
      end: () => {
        this.#cluster.heal(one, other);
        return true;
      },
    };
  }

  /** From the other brokers, while clients and the tree still reach it. */
  #isolate(id: number): Fault {
    const others = this.#cluster.machines.filter((machine) => machine.id !== id);
    const ways = this.#ways();
    return {
      name: `isolate ${id}${ARROWS[ways]}`,
      start: () => {
        for (const other of others) this.#cluster.cut(id, other.id, ways);
      },
      end: () => {
        for (const other of others) this.#cluster.heal(id, other.id);
        return true;
      },
    };
  }

  #cutFromTree(id: number): Fault | null {
    return this.#ofBroker(id, {
      name: `cut ${id} from the tree`,
      start: () => this.#cluster.cutFromCoordinator(id),
      end: () => {
        this.#cluster.healToCoordinator(id);
        return true;
      },
    });
  }

  #cutFromClients(id: number): Fault {
    const ways = this.#ways();
    return {
      name: `cut ${id}${ARROWS[ways]}clients`,
      start: () => this.#cluster.cutFromClients(id, ways),
      end: () => {
        this.#cluster.healToClients(id);
        return true;
      },
    };
  }

  #expire(id: number): Fault | null {
    return this.#ofBroker(id, {
      name: `expire the session of ${id}`,
      start: () => this.#cluster.session(id, (source, session) => source.expire(session)),
      end: () => true,
    });
  }

  /** The next commit is applied or not, and nobody says which. */
  #unknownOutcome(id: number): Fault | null {
    const applied = this.#random.int(2) === 0;
    return this.#ofBroker(id, {
      name: `${id} does not hear whether a commit is applied${applied ? '' : ' (it is not)'}`,
      start: () => this.#loseNext(id, applied),
      end: () => true,
    });
  }

  #loseNext(id: number, applied: boolean): void {
    this.#cluster.session(id, (source, session) => {
      if (applied) source.dropNextAnswer(session);
      else source.dropNextRequest(session);
    });
  }

  #ways(): Ways {
    const ways: readonly Ways[] = ['both', 'both', 'there', 'back'];
    return ways[this.#random.int(ways.length)] ?? 'both';
  }

  /** For as long as the fault lasts one machine lives in another time. */
  #stepClockOf(id: number): Fault {
    const byMs = this.#random.int(2 * LARGEST_STEP_MS) - LARGEST_STEP_MS;
    return {
      name: `the clock of ${id} steps by ${byMs} ms`,
      start: () => this.#cluster.stepWallClock(id, byMs),
      end: () => {
        this.#cluster.stepWallClock(id, -byMs);
        return true;
      },
    };
  }

  /** Of all machines, as after a wrong time server; what lasts is measured by the other clock. */
  #stepWallClock(): Fault {
    const byMs = this.#random.int(2 * LARGEST_STEP_MS) - LARGEST_STEP_MS;
    return {
      name: `wall clocks step by ${byMs} ms`,
      start: () => this.#cluster.clock.stepWallClock(byMs),
      end: () => true,
    };
  }
}
