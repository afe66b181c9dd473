/**
 * The client of the commands that administer: requests to whoever they are for (any broker, the
 * controller, a group's coordinator, a leader), asked again while the cluster is changing, and errors
 * with the broker's own reason. Brokers of Kafka 3.0 or later. Records go through client.ts.
 */

import { ErrorCode, errorName, isRetriable } from '../../broker/errors.ts';
import type { SocketNetwork } from '../../broker/platform/sockets.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { ConnectionError, KafkaConnection } from '../../broker/protocol/client.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { type Address, bootstrapAddresses } from './bootstrap.ts';

export type ClusterMetadata = ResponseOf<typeof Metadata>;

/** What a broker answered about one topic, group or partition. */
export interface Answer {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

/** How long the controller or a coordinator may take with one request. */
export const REQUEST_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 3000;
/** How long a command waits for a cluster that is changing: an election, a coordinator that loads. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 100;
/** FindCoordinator's type of key. */
const GROUP = 0;

/** In words of Kafka's, for those errors whose answers have no room for a message. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'there is no such topic or partition'],
  [ErrorCode.NON_EMPTY_GROUP, 'the group has members'],
  [ErrorCode.GROUP_ID_NOT_FOUND, 'there is no such group'],
  [ErrorCode.INVALID_GROUP_ID, 'that is no id for a group'],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, 'that is no name for a topic'],
  [ErrorCode.NOT_CONTROLLER, 'no broker is the controller at the moment'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'no broker coordinates the group at the moment'],
  [ErrorCode.TOPIC_DELETION_DISABLED, 'delete.topic.enable is false'],
]);

/** `NON_EMPTY_GROUP: the group has members`: the error's name, and what the broker says of it. */
export function reasonOf({ errorCode, errorMessage }: Answer): string {
  const reason = errorMessage || REASONS.get(errorCode);
  return reason === undefined ? errorName(errorCode) : `${errorName(errorCode)}: ${reason}`;
}

export class AdminClient {
  readonly #sockets: SocketNetwork = tcpSockets();
  readonly #bootstrap: () => readonly Address[];
  readonly #connections = new Map<string, KafkaConnection>();

  readonly #clientId: string;

  /** Asked again each time where it is a function: who knows that a broker does not answer leaves it out. */
  constructor(bootstrapServers: string | (() => string), clientId = 'odradek') {
    if (typeof bootstrapServers === 'string') {
      const fixed = bootstrapAddresses(bootstrapServers);
      this.#bootstrap = () => fixed;
    } else this.#bootstrap = () => bootstrapAddresses(bootstrapServers());
    this.#clientId = clientId;
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  /** Of these topics, or of all; topics that don't exist are answered with their error. */
  async metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const wanted = topics === null ? null : topics.map((name) => ({ name }));
    const problems: string[] = [];
    for (const address of this.#bootstrap()) {
      try {
        return await this.#ask(address, Metadata, { topics: wanted, allowAutoTopicCreation: false });
      } catch (error) {
        problems.push(`${address.host}:${address.port}: ${messageOf(error)}`);
      }
    }
    throw new Error(`no broker answers: ${problems.join('; ')}`);
  }

  /** `answers` picks what may be an error that passes: then the new controller, if there is one, is asked again. */
  askController<A extends AnyApi>(
    api: A,
    request: RequestInput<A>,
    answers: (response: ResponseOf<A>) => readonly Answer[],
  ): Promise<ResponseOf<A>> {
    return this.#patiently(answers, async () => {
      const { controllerId, brokers } = await this.metadata([]);
      return this.#ask(addressOf(brokers, controllerId, 'the controller'), api, request);
    });
  }

  /** As askController, for the coordinator of a group. */
  askCoordinator<A extends AnyApi>(
    groupId: string,
    api: A,
    request: RequestInput<A>,
    answers: (response: ResponseOf<A>) => readonly Answer[],
  ): Promise<ResponseOf<A>> {
    return this.#patiently(answers, async () => {
      const found = await this.#findCoordinator(groupId);
      return this.#ask(found, api, request);
    });
  }

  /** Asks one broker of the metadata. */
  async askBroker<A extends AnyApi>(
    nodeId: number,
    metadata: ClusterMetadata,
    api: A,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    return this.#ask(addressOf(metadata.brokers, nodeId, `broker ${nodeId}`), api, request);
  }

  async #findCoordinator(groupId: string): Promise<Address> {
    const { brokers } = await this.metadata([]);
    const [first] = brokers;
    const request = { keyType: GROUP, coordinatorKeys: [groupId] };
    const response = await this.#patiently(
      ({ coordinators }) => coordinators,
      () => this.#ask(addressOf(brokers, first?.nodeId ?? -1, 'a broker'), FindCoordinator, request),
    );
    const [found] = response.coordinators;
    if (found === undefined || found.errorCode !== ErrorCode.NONE)
      throw new Error(`group ${groupId}: ${found === undefined ? 'no answer' : reasonOf(found)}`);
    return found;
  }

  /** Asks again while what is answered passes by itself. */
  async #patiently<Response>(
    answers: (response: NoInfer<Response>) => readonly Answer[],
    ask: () => Promise<Response>,
  ): Promise<Response> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const isLast = performance.now() >= deadlineMs;
      try {
        const response = await ask();
        if (isLast || !answers(response).some(({ errorCode }) => isPassing(errorCode))) return response;
      } catch (error) {
        if (isLast || !(error instanceof Gone)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #ask<A extends AnyApi>(address: Address, api: A, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const connection = await this.#connection(address);
    try {
      return await connection.request(api, request);
    } catch (error) {
      if (connection.open || error instanceof ConnectionError) throw error;
      throw new Gone(messageOf(error));
    }
  }

  async #connection(address: Address): Promise<KafkaConnection> {
    const key = `${address.host}:${address.port}`;
    const known = this.#connections.get(key);
    if (known?.open === true) return known;
    const options = { ...address, clientId: this.#clientId, timeoutMs: CONNECT_TIMEOUT_MS };
    const connection = await KafkaConnection.connect(this.#sockets, options).catch((error: unknown) => {
      throw new Gone(messageOf(error));
    });
    this.#connections.set(key, connection);
    return connection;
  }
}

/** A broker that was there is not any more; another one may do what it did. */
class Gone extends Error {
  override readonly name = 'Gone';
}

function isPassing(errorCode: number): boolean {
  // A topic that isn't there does not appear by waiting, though clients in general may hope so.
  return isRetriable(errorCode) && errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function addressOf(brokers: ClusterMetadata['brokers'], nodeId: number, who: string): Address {
  const found = brokers.find((broker) => broker.nodeId === nodeId);
  if (found === undefined) throw new Gone(`${who} is not among the living brokers`);
  return found;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
