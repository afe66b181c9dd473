/** A transaction coordinator over a log in memory, with markers that a test lets arrive when it wants. */

import type { EndToTell } from '../../../broker/coordinators/transaction/marker-target.ts';
import {
  TransactionCoordinator,
  type TransactionSettings,
} from '../../../broker/coordinators/transaction/transaction-coordinator.ts';
import { errorName } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import type { SimulatedClock } from '../../support/simulated-clock.ts';
import { World } from '../../support/world.ts';
import { MemoryStateLog } from './memory-state-log.ts';

const PARTITIONS = 5;
export const ID = 'pay';
export const OWNER = partitionForKey(ID, PARTITIONS);
export const T0 = { topic: 't', partition: 0 };
export const T1 = { topic: 't', partition: 1 };
export const FIRST_PRODUCER_ID = 4000;

const DAY_MS = 24 * 3600 * 1000;

export const SETTINGS: TransactionSettings = {
  maxIds: 4,
  metricsWindow: { samples: 2, sampleMs: 30_000 },
  maxTimeoutMs: 900_000,
  writeTimeoutMs: 30_000,
  completionWaitMs: 0,
  loadBufferSizeBytes: 1 << 20,
  abortCheckIntervalMs: 10_000,
  expiryCheckIntervalMs: 3_600_000,
  idExpirationMs: 7 * DAY_MS,
};

export class TransactionWorld {
  readonly clock: SimulatedClock;
  readonly log: MemoryStateLog;
  readonly metrics = createMetrics();
  readonly journal;
  readonly transactions: TransactionCoordinator;
  /** Ends whose partitions are being told. */
  readonly telling: EndToTell[] = [];
  nextProducerId: number | null = FIRST_PRODUCER_ID;

  constructor(
    log = new MemoryStateLog('__transaction_state'),
    clock = new World().clock,
    settings: Partial<TransactionSettings> = {},
  ) {
    this.clock = clock;
    this.log = log;
    this.journal = createJournal(clock, silent);
    this.transactions = new TransactionCoordinator({
      clock,
      log,
      diagnostics: silent,
      journal: this.journal,
      metrics: this.metrics,
      partitionCount: () => PARTITIONS,
      settings: { ...SETTINGS, ...settings },
      producerIds: {
        generate: async () => {
          const id = this.nextProducerId;
          if (id !== null) this.nextProducerId = id + 1;
          return id;
        },
      },
      markers: { send: (end) => this.telling.push(end), shutdown: () => {} },
    });
  }

  async elect(leaderEpoch = 1, partition = OWNER): Promise<this> {
    const elected = this.transactions.elect(partition, leaderEpoch);
    await this.clock.runFor(1);
    await elected;
    return this;
  }

  /** `id/epoch`, or the error's name. */
  async init(timeoutMs = 60_000, expected: { producerId: number; producerEpoch: number } | null = null) {
    const answer = await this.transactions.initProducerId({ transactionalId: ID, timeoutMs, expected });
    return answer.error === 0 ? `${answer.producerId}/${answer.producerEpoch}` : errorName(answer.error);
  }

  async add(producerEpoch = 0, partitions = [T0]): Promise<string> {
    return errorName(await this.transactions.addPartitions(claim(producerEpoch), partitions));
  }

  async end(committed: boolean, producerEpoch = 0): Promise<string> {
    return errorName(await this.transactions.endTransaction(claim(producerEpoch), committed));
  }

  verify(producerEpoch = 0, partitions = [T0]): string[] {
    return this.transactions.verifyPartitions(claim(producerEpoch), partitions).map(errorName);
  }

  /** The state and the epoch, or the error's name. */
  describe(transactionalId = ID): string {
    const { error, transaction } = this.transactions.describe(transactionalId);
    return transaction === null ? errorName(error) : `${transaction.state}/${transaction.producerEpoch}`;
  }

  /** The partitions of the oldest end that is being told have all been told. */
  async told(): Promise<void> {
    this.telling.shift()?.told();
    await settle();
  }
}

export function claim(producerEpoch = 0, producerId = FIRST_PRODUCER_ID) {
  return { transactionalId: ID, producerId, producerEpoch };
}

export async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}

/** Producer 4000/0 has an open transaction with t-0. */
export async function ongoing(settings: Partial<TransactionSettings> = {}): Promise<TransactionWorld> {
  const world = await new TransactionWorld(undefined, undefined, settings).elect();
  const made = [await world.init(), await world.add()];
  if (made.join() !== '4000/0,NONE') throw new Error(`no transaction: ${made}`);
  return world;
}

/** Another broker takes over what is in the log of this one. */
export async function failover(world: TransactionWorld, leaderEpoch = 2): Promise<TransactionWorld> {
  world.transactions.resign(OWNER);
  return new TransactionWorld(world.log, world.clock).elect(leaderEpoch);
}
