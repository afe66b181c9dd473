/**
 * What a controller does by the clock while it is in office: gives leaders back to their first replicas
 * (Kafka's auto-leader-rebalance-task), and looks whether an event has left something undone (repair.ts).
 * One Upkeep belongs to one term and ends with it.
 */
import type { Timer } from '../platform/clock.ts';
import { rebalanceLeaders } from './election-events.ts';
import { Repair } from './repair.ts';
import type { Term } from './term.ts';

/** The first check of the balance of leaders after an election. */
const FIRST_REBALANCE_MS = 5000;
/** Nothing is expected to be found, and what is found has been wrong for a while. */
const REPAIR_INTERVAL_MS = 60_000;
/** An event has failed: soon, but not in a tight circle if it fails for good. */
const REPAIR_SOON_MS = 2000;

export class Upkeep {
  readonly #term: Term;
  readonly #repair: Repair;
  /** null where auto.leader.rebalance.enable is false, and before the office is taken. */
  #rebalanceTimer: Timer | null = null;
  #repairTimer: Timer | null = null;
  /** A check that was asked for has not begun: it comes within REPAIR_SOON_MS. */
  #repairIsNear = false;

  constructor(term: Term) {
    this.#term = term;
    this.#repair = new Repair(term);
  }

  /** The office is taken. */
  start(): void {
    this.#scheduleRebalance(FIRST_REBALANCE_MS);
    if (this.#repairTimer === null) this.#scheduleRepair(REPAIR_INTERVAL_MS);
  }

  end(): void {
    this.#rebalanceTimer?.cancel();
    this.#repairTimer?.cancel();
  }

  /** Something could not be finished. Asking again before the check has begun changes nothing. */
  repairSoon(): void {
    if (this.#repairIsNear || this.#term.isOver) return;
    this.#repairIsNear = true;
    this.#repairTimer?.cancel();
    this.#scheduleRepair(REPAIR_SOON_MS);
  }

  #scheduleRepair(delayMs: number): void {
    const { clock, schedule } = this.#term.options;
    this.#repairTimer = clock.after(delayMs, () => {
      schedule('Repair', 'Repair', async () => {
        this.#repairIsNear = false;
        try {
          await this.#repair.run();
        } finally {
          if (!this.#term.isOver && !this.#repairIsNear) this.#scheduleRepair(REPAIR_INTERVAL_MS);
        }
      });
    });
  }

  #scheduleRebalance(delayMs: number): void {
    const { clock, config, schedule } = this.#term.options;
    if (!config.autoLeaderRebalanceEnable) return;
    const name = 'AutoPreferredReplicaLeaderElection';
    this.#rebalanceTimer = clock.after(delayMs, () => {
      schedule(name, name, async (term) => {
        try {
          await rebalanceLeaders(term);
        } finally {
          if (!term.isOver) this.#scheduleRebalance(config.leaderImbalanceCheckIntervalSeconds * 1000);
        }
      });
    });
  }
}
