/**
 * Housekeeping around the measured clients, the same for both systems: topics, end offsets, and single
 * records whose acknowledgement is awaited. Not a load: that comes from foreign clients.
 */

import { ErrorCode, errorName } from '../../../broker/errors.ts';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { ListOffsets } from '../../../broker/protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { CreateTopics } from '../../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../../broker/protocol/messages/20-delete-topics.ts';
import { CreateAcls } from '../../../broker/protocol/messages/30-create-acls.ts';
import type { ResponseOf } from '../../../broker/protocol/schema.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { PatternType, Permission } from '../../../broker/security/acl.ts';
import { Operation } from '../../../broker/security/operations.ts';

type ClusterMetadata = ResponseOf<typeof Metadata>;

interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

export interface NewAcl {
  readonly name: string;
  /** It is about all topics whose names begin so. */
  readonly isPrefix: boolean;
  readonly user: string;
  readonly operation: keyof typeof Operation;
}

/** As CreateAcls numbers it. */
const TOPIC_RESOURCE = 2;

const CONNECT_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 30_000;
const LATEST = -1;
const TOPIC_LIMIT_MS = 120_000;

const { sockets } = systemPlatform();

/** What a producer sends when one record of ten bytes is to be acknowledged. */
const ONE_RECORD = { records: [{ timestampMs: Date.now(), value: Buffer.from('odradek-10') }] };

export class Wire {
  readonly #bootstrapPorts: number[];
  readonly #connections = new Map<number, KafkaConnection>();
  #closed = false;

  constructor(bootstrapPorts: readonly number[]) {
    this.#bootstrapPorts = [...bootstrapPorts];
  }

  /** Whoever still asks for something gets an error, and does not ask again. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  /** From any broker that answers; topics may be created by asking. */
  async metadata(topics: readonly string[], create = false): Promise<ClusterMetadata> {
    let problem: unknown = new Error('no broker answered');
    for (const port of this.#bootstrapPorts) {
      try {
        const connection = await this.#connection(port);
        const names = topics.map((name) => ({ name }));
        return await connection.request(Metadata, { topics: names, allowAutoTopicCreation: create });
      } catch (error) {
        if (error instanceof WireClosed) throw error;
        problem = error;
      }
    }
    throw problem;
  }

  /** Resolves when every partition has a leader and all its replicas in sync, as every broker sees it. */
  async createTopic(topic: NewTopic): Promise<void> {
    const { name, partitions: numPartitions, replicationFactor } = topic;
    const request = { topics: [{ name, numPartitions, replicationFactor }], timeoutMs: REQUEST_TIMEOUT_MS };
    const answer = await (await this.#controller()).request(CreateTopics, request);
    const { errorCode, errorMessage } = one(answer.topics);
    if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.REQUEST_TIMED_OUT)
      throw new Error(`topic ${name} was not created: ${errorMessage ?? errorName(errorCode)}`);
    await until(TOPIC_LIMIT_MS, `topic ${name} in sync`, async () => {
      const seen = await Promise.all(
        this.#bootstrapPorts.map((port) => this.#inSyncCount(port, name, replicationFactor)),
      );
      return seen.every((count) => count === numPartitions) && (await this.recordCount(name)) === 0;
    });
  }

  /** How many partitions of a topic have a leader and all replicas in sync, as one broker sees it. */
  async #inSyncCount(port: number, name: string, replicationFactor: number): Promise<number> {
    const connection = await this.#connection(port);
    const request = { topics: [{ name }], allowAutoTopicCreation: false };
    const [topic] = (await connection.request(Metadata, request)).topics;
    const ready = (topic?.partitions ?? []).filter(
      ({ leaderId, isrNodes }) => leaderId >= 0 && isrNodes.length === replicationFactor,
    );
    return ready.length;
  }

  /** Rules that allow something on topics; resolves when they are stored. */
  async createAcls(rules: readonly NewAcl[]): Promise<void> {
    const creations = rules.map(({ name, isPrefix, user, operation }) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName: name,
      resourcePatternType: isPrefix ? PatternType.PREFIXED : PatternType.LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: Operation[operation],
      permissionType: Permission.ALLOW,
    }));
    const answer = await (await this.#controller()).request(CreateAcls, { creations });
    const refused = answer.results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
    if (refused !== undefined) throw new Error(`a rule was not made: ${errorName(refused.errorCode)}`);
  }

  async deleteTopic(name: string): Promise<void> {
    const controller = await this.#controller();
    const request = { topics: [{ name }], topicNames: [name], timeoutMs: REQUEST_TIMEOUT_MS };
    const { errorCode } = one((await controller.request(DeleteTopics, request)).responses);
    if (errorCode !== ErrorCode.NONE)
      throw new Error(`topic ${name} was not deleted: ${errorName(errorCode)}`);
  }

  /** How many records a topic holds, by the end offsets of its partitions. */
  async recordCount(topic: string): Promise<number> {
    const metadata = await this.metadata([topic]);
    let count = 0;
    for (const [nodeId, partitions] of byLeader(metadata)) {
      const connection = await this.#connection(portOf(metadata, nodeId));
      const answer = await connection.request(ListOffsets, {
        replicaId: -1,
        topics: [
          {
            name: topic,
            partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: LATEST })),
          },
        ],
      });
      for (const { errorCode, offset } of one(answer.topics).partitions) {
        if (errorCode !== ErrorCode.NONE) throw new Error(`end offset of ${topic}: ${errorName(errorCode)}`);
        count += offset;
      }
    }
    return count;
  }

  /** One record to each of the partitions, whoever leads them; which of them acknowledged it. */
  async acknowledged(topic: string, partitions: ReadonlySet<number>): Promise<number[]> {
    const metadata = await this.metadata([topic], true);
    const answers = [...byLeader(metadata)].map(async ([nodeId, led]) => {
      const wanted = led.filter((partition) => partitions.has(partition));
      if (wanted.length === 0) return [];
      try {
        return await this.#produce(await this.#connection(portOf(metadata, nodeId)), topic, wanted);
      } catch (error) {
        if (error instanceof WireClosed) throw error;
        return [];
      }
    });
    return (await Promise.all(answers)).flat();
  }

  async #produce(
    connection: KafkaConnection,
    topic: string,
    partitions: readonly number[],
  ): Promise<number[]> {
    const answer = await connection.request(Produce, {
      acks: -1,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [
        {
          name: topic,
          partitionData: partitions.map((index) => ({ index, records: buildBatch(ONE_RECORD) })),
        },
      ],
    });
    return one(answer.responses)
      .partitionResponses.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
      .map(({ index }) => index);
  }

  async #controller(): Promise<KafkaConnection> {
    let metadata = await this.metadata([]);
    await until(REQUEST_TIMEOUT_MS, 'a controller', async () => {
      metadata = await this.metadata([]);
      return metadata.controllerId >= 0;
    });
    return this.#connection(portOf(metadata, metadata.controllerId));
  }

  async #connection(port: number): Promise<KafkaConnection> {
    if (this.#closed) throw new WireClosed('the cluster is being stopped');
    const known = this.#connections.get(port);
    if (known?.open === true) return known;
    const address = { host: '127.0.0.1', port, timeoutMs: CONNECT_TIMEOUT_MS };
    const connection = await KafkaConnection.connect(sockets, { ...address, clientId: 'odradek-bench' });
    if (this.#closed) connection.close();
    this.#connections.set(port, connection);
    return connection;
  }
}

class WireClosed extends Error {
  override readonly name = 'WireClosed';
}

/** Partitions by the node that leads them; those without a leader are left out. */
export function byLeader(metadata: ClusterMetadata): Map<number, number[]> {
  const led = new Map<number, number[]>();
  for (const { partitions } of metadata.topics) {
    for (const { leaderId, partitionIndex } of partitions) {
      if (leaderId < 0) continue;
      const those = led.get(leaderId);
      if (those === undefined) led.set(leaderId, [partitionIndex]);
      else those.push(partitionIndex);
    }
  }
  return led;
}

/** Asks again and again until the answer is yes; what throws counts as no, but for the end of the cluster. */
export async function until(
  limitMs: number,
  what: string,
  happened: () => Promise<boolean>,
  pauseMs = 20,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    if (await happened().catch(noUnlessClosed)) return;
    if (performance.now() > deadlineMs) throw new Error(`waited ${limitMs / 1000} s for ${what} in vain`);
    await pause(pauseMs);
  }
}

function noUnlessClosed(error: unknown): false {
  if (error instanceof WireClosed) throw error;
  return false;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function portOf(metadata: ClusterMetadata, nodeId: number): number {
  const broker = metadata.brokers.find((each) => each.nodeId === nodeId);
  if (broker === undefined) throw new Error(`broker ${nodeId} is not alive`);
  return broker.port;
}

function one<T>(list: readonly T[]): T {
  const [only] = list;
  if (only === undefined) throw new Error('the answer is empty');
  return only;
}
