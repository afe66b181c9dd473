/**
 * One process of an application that reads a topic as a member of a group, and in one transaction writes what
 * comes of some records and commits how far it has read. It dies and stands still at any of its requests. After
 * an error it ends what it has begun, and goes on from what is committed.
 */
import { ErrorCode } from '../../broker/errors.ts';
import { toSafeInteger } from '../../broker/int64.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import type { ApplicationFaults } from './application-faults.ts';
import type { ClusterClient } from './cluster-client.ts';
import { fetchFrom, take } from './committed-reader.ts';
import { outputOf } from './processed-once.ts';
import { check, Refused, SimulatedMembership } from './simulated-membership.ts';
import { Died, TransactionalProducer } from './transactional-producer.ts';

interface ProcessorOptions {
  /** Each life has connections of its own. */
  readonly newClient: () => ClusterClient;
  readonly random: Random;
  readonly faults: ApplicationFaults;
  readonly group: string;
  readonly transactionalId: string;
  readonly input: string;
  readonly output: string;
  /** Of the input, and of the output. */
  readonly partitions: number;
  /** False: offsets are committed as nobody's, so that a former owner of a partition is not kept out. */
  readonly fenced: boolean;
}

interface Life {
  readonly client: ClusterClient;
  readonly membership: SimulatedMembership;
  readonly producer: TransactionalProducer;
}

const TICK_MS = 150;
const BACKOFF_MS = 100;
const START_AGAIN_MS = 400;
const MOST_RECORDS = 20;
/** Left alone it has a whole run to catch up with. */
const MOST_RECORDS_AT_LAST = 500;
/** One in so many transactions is aborted by choice. */
const ABORTED_ONE_IN = 8;

export class SimulatedProcessor {
  readonly #options: ProcessorOptions;
  #stopped = false;

  constructor(options: ProcessorOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#lives();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #lives(): Promise<void> {
    while (!this.#stopped) {
      const life = this.#newLife();
      await this.#live(life).catch((error) => {
        if (!(error instanceof Died)) throw error;
      });
      await sleep(life.client.clock, START_AGAIN_MS);
      // What was on its way when it died has arrived by now, or is lost.
      life.client.close();
    }
  }

  #newLife(): Life {
    const { newClient, group, partitions, transactionalId, faults } = this.#options;
    const client = newClient();
    const membership = new SimulatedMembership({ client, group, partitions });
    return { client, membership, producer: new TransactionalProducer({ client, transactionalId, faults }) };
  }

  /** Until it dies. */
  async #live(life: Life): Promise<void> {
    while (!this.#stopped) {
      try {
        // Ends what is open, before it is asked what is committed.
        await life.producer.initialise();
        await this.#belong(life);
      } catch (error) {
        if (error instanceof Died) throw error;
        const code = error instanceof Refused ? error.code : ErrorCode.NETWORK_EXCEPTION;
        life.membership.refusedWith(code);
        if (code !== ErrorCode.REBALANCE_IN_PROGRESS) await sleep(life.client.clock, BACKOFF_MS);
      }
    }
  }

  /** One generation; ends by an error. */
  async #belong(life: Life): Promise<void> {
    const { membership, client } = life;
    const coordinator = await membership.coordinator();
    const mine = await membership.join(coordinator);
    const positions = await committedOffsets(client, coordinator, {
      group: this.#options.group,
      topic: this.#options.input,
      partitions: mine,
    });
    while (!this.#stopped) {
      await membership.heartbeat(coordinator);
      let isIdle = true;
      for (const [partition, position] of positions) {
        const next = await this.#process(life, partition, position);
        if (next !== position) isIdle = false;
        positions.set(partition, next);
      }
      if (isIdle) await sleep(client.clock, TICK_MS);
    }
  }

  /** Where to go on: behind what was processed now. */
  async #process(
    { client, membership, producer }: Life,
    partition: number,
    position: number,
  ): Promise<number> {
    const { random, group, input, output, partitions, fenced, faults } = this.#options;
    const answer = await fetchFrom(client, { topic: input, partition, position });
    check(answer?.errorCode ?? ErrorCode.LEADER_NOT_AVAILABLE);
    const values: string[] = [];
    if (answer !== null) take(answer, position, values);
    const records = values
      .slice(0, faults.areOver ? MOST_RECORDS_AT_LAST : MOST_RECORDS)
      .map((value, at) => outputOf(partition, position + at, value));
    if (records.length === 0) return position;
    const target = (partition + random.int(partitions)) % partitions;
    const other = (target + 1) % partitions;
    await producer.addPartitions(output, [target, other]);
    // Into two partitions, so that a transaction can be torn.
    const half = records.length >> 1;
    if (half > 0) await producer.produce(output, target, records.slice(0, half));
    await producer.produce(output, other, records.slice(half));
    const offsets = new Map([[partition, position + records.length]]);
    const { memberId, generationId } = membership;
    const member = fenced ? { member: { memberId, generationId } } : {};
    await producer.sendOffsets({ groupId: group, topic: input, offsets, ...member });
    const commits = random.int(ABORTED_ONE_IN) > 0;
    await producer.end(commits);
    return commits ? position + records.length : position;
  }
}

/** By partition; 0 where nothing is committed. Rejects while a transaction may still change them. */
export async function committedOffsets(
  client: ClusterClient,
  coordinator: number,
  { group, topic, partitions }: { group: string; topic: string; partitions: readonly number[] },
): Promise<Map<number, number>> {
  if (partitions.length === 0) return new Map();
  const answer = await client.request(coordinator, OffsetFetch, {
    groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }],
    requireStable: true,
  });
  check(answer.groups[0]?.errorCode ?? ErrorCode.NONE);
  return new Map(
    (answer.groups[0]?.topics[0]?.partitions ?? []).map(({ partitionIndex, committedOffset, errorCode }) => {
      check(errorCode);
      return [partitionIndex, Math.max(0, toSafeInteger(committedOffset))];
    }),
  );
}
