/**
 * What all simulated clients share: connections by broker, metadata that is asked for again after an
 * error, and requests that give up in time. Real frames over simulated sockets.
 */

import { ErrorCode } from '../../broker/errors.ts';
import type { Clock } from '../../broker/platform/clock.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { SocketNetwork } from '../../broker/platform/sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { batchCrcIsValid, completeBatches } from '../../broker/records/batch.ts';
import type { StableOffsets } from './stable-offsets.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Leader {
  readonly brokerId: number;
  readonly leaderEpoch: number;
  readonly topicId: string;
}

interface ClusterClientOptions {
  readonly clock: Clock;
  readonly sockets: SocketNetwork;
  readonly clientId: string;
  readonly bootstrap: readonly Address[];
  readonly requestTimeoutMs: number;
  /** Told of what leaders say of their last stable offsets. */
  readonly stable: Pick<StableOffsets, 'floor' | 'read'>;
  /** Told when a leader gives what does not match its checksum, or says that it has nothing else. */
  readonly damaged: (what: string) => void;
}

const REFRESH_PAUSE_MS = 100;
const CONNECT_TIMEOUT_MS = 800;

export class ClusterClient {
  readonly clock: Clock;
  readonly #options: ClusterClientOptions;
  readonly #connections = new Map<string, Promise<KafkaConnection>>();
  readonly #brokers = new Map<number, Address>();
  readonly #leaders = new Map<string, Leader>();
  #controllerId = -1;
  #nextBootstrap = 0;
  #refreshing: Promise<void> | null = null;
  closed = false;

  constructor(options: ClusterClientOptions) {
    this.#options = options;
    this.clock = options.clock;
  }

  get controllerId(): number {
    return this.#controllerId;
  }

  /** As of the last refresh. */
  leader(topic: string, partition: number): Leader | null {
    const found = this.#leaders.get(`${topic}-${partition}`);
    return found === undefined || found.brokerId < 0 ? null : found;
  }

  /** Asks some broker for its metadata; whoever asks meanwhile shares the answer. Never rejects. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Rejects when there is no answer in time; the connection is given up then. */
  async request<A extends AnyApi>(
    brokerId: number,
    api: A,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    const address = this.#brokers.get(brokerId);
    if (address === undefined) throw new Error(`broker ${brokerId} is not known`);
    return this.ask(address, api, request);
  }

  /**
   * Asks the leader of a partition for records of this one alone, in its epoch. What does not match its checksum is
   * left out with what follows it; where that is all, the error is CORRUPT_MESSAGE. (check.crcs in Kafka's consumer.)
   */
  async fetch(
    leader: Leader,
    partition: number,
    request: RequestInput<typeof Fetch>,
  ): Promise<ResponseOf<typeof Fetch>> {
    const { stable } = this.#options;
    const { leaderEpoch } = leader;
    const key = `${leader.topicId}:${partition}`;
    const floor = stable.floor(key, leaderEpoch);
    const answer = await this.request(leader.brokerId, Fetch, request);
    const result = answer.responses[0]?.partitions[0];
    if (result?.errorCode === ErrorCode.NONE) {
      const { highWatermark, lastStableOffset } = result;
      stable.read({ key, leaderEpoch, highWatermark, lastStableOffset }, floor);
    }
    return this.#checked(answer, leader);
  }

  async ask<A extends AnyApi>(address: Address, api: A, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const connection = await this.#connection(address);
    return new Promise((resolve, reject) => {
      const timer = this.clock.after(this.#options.requestTimeoutMs, () => {
        connection.close();
        reject(new Error(`${api.name}: no answer in time`));
      });
      connection.request(api, request).then(
        (answer) => {
          timer.cancel();
          resolve(answer);
        },
        (error) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }

  close(): void {
    this.closed = true;
    for (const connecting of this.#connections.values()) {
      connecting.then(
        (connection) => connection.close(),
        () => {},
      );
    }
  }

  #checked(answer: ResponseOf<typeof Fetch>, { brokerId }: Leader): ResponseOf<typeof Fetch> {
    const [topic] = answer.responses;
    const result = topic?.partitions[0];
    if (topic === undefined || result === undefined) return answer;
    const records = result.records ?? Buffer.alloc(0);
    const rotten = [...completeBatches(records)].find((at) => !batchCrcIsValid(records, at));
    const isRefused = result.errorCode === ErrorCode.CORRUPT_MESSAGE;
    if (rotten === undefined && !isRefused) return answer;
    this.#options.damaged(
      `broker ${brokerId} has damaged records of ${topic.topic}-${result.partitionIndex}`,
    );
    const sound =
      rotten === undefined || rotten === 0
        ? { errorCode: ErrorCode.CORRUPT_MESSAGE, records: null }
        : { records: records.subarray(0, rotten) };
    return { ...answer, responses: [{ ...topic, partitions: [{ ...result, ...sound }] }] };
  }

  async #connection({ host, port }: Address): Promise<KafkaConnection> {
    const key = `${host}:${port}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      const connection = await known.catch(() => null);
      if (connection?.open) return connection;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      else return this.#connection({ host, port });
    }
    const { sockets, clientId } = this.#options;
    const connecting = KafkaConnection.connect(sockets, {
      host,
      port,
      clientId,
      timeoutMs: CONNECT_TIMEOUT_MS,
    });
    this.#connections.set(key, connecting);
    return connecting;
  }

  async #refresh(): Promise<void> {
    const { bootstrap } = this.#options;
    await sleep(this.clock, REFRESH_PAUSE_MS);
    const address = bootstrap[this.#nextBootstrap++ % bootstrap.length];
    if (address === undefined || this.closed) return;
    try {
      const answer = await this.ask(address, Metadata, { topics: null, allowAutoTopicCreation: false });
      this.#controllerId = answer.controllerId;
      for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
      for (const { name, topicId, partitions } of answer.topics) {
        for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
          const key = `${name}-${partitionIndex}`;
          const known = this.#leaders.get(key);
          // A broker that is behind must not lead the client back.
          if (known?.topicId === topicId && known.leaderEpoch > leaderEpoch) continue;
          this.#leaders.set(key, { brokerId: leaderId, leaderEpoch, topicId });
        }
      }
    } catch {
      // Whoever needs it asks again, and another broker.
    }
  }
}
