/** A scenario: what is done to the cluster in the middle of a round. */
import type { Random } from '../../../broker/platform/random.ts';
import type { BrokerProcess } from '../cluster/broker-process.ts';
import type { TormentedCluster } from '../cluster/tormented-cluster.ts';

export interface Scenario {
  readonly name: string;
  /** For `--list`. */
  readonly title: string;
  /** What it can't do without: several servers of ZooKeeper, or brokers that can be cut from each other. */
  readonly needs?: 'ensemble' | 'cuts';
  run(stage: Stage): Promise<void>;
}

/** What a scenario may use. What it has done need not be undone: the round heals everything after it. */
export interface Stage {
  readonly cluster: TormentedCluster;
  readonly random: Random;
  /** The broker that leads the first partition of every topic of the round, unless it has been moved. */
  leader(): Promise<number>;
  controller(): Promise<number>;
  /** Notes what is done, for those who read about a broken promise. */
  mark(what: string): void;
  /** Waits until every client has been acknowledged something that it has sent from now on. */
  everyoneGoesOn(): Promise<void>;
}

/** Broken expectations of a scenario, such as a controller that is not replaced. */
export class NotAsExpected extends Error {
  override readonly name = 'NotAsExpected';
}

const EXPECT_LIMIT_MS = 40_000;
const LOOK_MS = 50;

/** Asks until it is so; what throws counts as no. */
export async function expectSoon(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + EXPECT_LIMIT_MS;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadlineMs)
      throw new NotAsExpected(`waited ${EXPECT_LIMIT_MS / 1000} s for ${what}`);
    await wait(LOOK_MS);
  }
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Up to half a second more, so that rounds differ in what is under way. */
export function about(ms: number, random: Random): number {
  return ms + random.int(500);
}

export function othersThan(id: number, cluster: TormentedCluster): BrokerProcess[] {
  return cluster.brokers.filter((broker) => broker.id !== id);
}
