/**
 * The client of the commands that administer: requests to whoever they are for (any broker, the
 * controller, a group's coordinator, a leader), asked again while the cluster is changing, and errors
 * with the broker's own reason. Brokers of Kafka 3.0 or later. Records go through client.ts.
 */

import { ErrorCode, errorName, isRetriable } from '../../broker/errors.ts';
import { SaslLoginError } from '../../broker/protocol/login.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { AdminConnections, Gone, messageOf } from './admin-connections.ts';
import type { Arguments } from './arguments.ts';
import { type Address, bootstrapAddresses } from './bootstrap.ts';
import { type ClientSecurity, clientSecurity, PLAINTEXT } from './client-security.ts';

export type ClusterMetadata = ResponseOf<typeof Metadata>;

/** What a broker answered about one topic, group or partition. */
export interface Answer {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

/** A broker that coordinates a group or a transactional id. */
interface Coordinator extends Address {
  readonly nodeId: number;
}

/** How long the controller or a coordinator may take with one request. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** As Kafka's clients have it (request.timeout.ms), and what requests carry may take besides. */
const ANSWER_TIMEOUT_MS = REQUEST_TIMEOUT_MS + 5_000;
const PATIENCE_MS = 20_000;
const PAUSE_MS = 100;
/** FindCoordinator's types of key. */
const KEY_TYPES = { group: 0, 'transactional id': 1 } as const;
type KeyType = keyof typeof KEY_TYPES;

/** In words of Kafka's, for those errors whose answers have no room for a message. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'there is no such topic or partition'],
  [ErrorCode.NON_EMPTY_GROUP, 'the group has members'],
  [ErrorCode.GROUP_ID_NOT_FOUND, 'there is no such group'],
  [ErrorCode.INVALID_GROUP_ID, 'that is no id for a group'],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, 'that is no name for a topic'],
  [ErrorCode.NOT_CONTROLLER, 'no broker is the controller at the moment'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'no broker coordinates it at the moment'],
  [ErrorCode.TOPIC_DELETION_DISABLED, 'delete.topic.enable is false'],
]);

/** `NON_EMPTY_GROUP: the group has members`: the error's name, and what the broker says of it. */
export function reasonOf({ errorCode, errorMessage }: Answer): string {
  const reason = errorMessage || REASONS.get(errorCode);
  return reason === undefined ? errorName(errorCode) : `${errorName(errorCode)}: ${reason}`;
}

interface Failure {
  readonly address: Address;
  readonly error: unknown;
}

interface Waits {
  /** For a cluster that is changing: an election, a coordinator that loads. */
  readonly patienceMs?: number;
  /** For one answer: a broker that is paused takes connections, and says nothing. */
  readonly answerTimeoutMs?: number;
}

export class AdminClient {
  readonly #connections: AdminConnections;
  readonly #bootstrap: () => readonly Address[];
  readonly #patienceMs: number;

  /**
   * `bootstrapServers` is asked again each time where it is a function: who knows that a broker does not
   * answer leaves it out.
   * `security`: how brokers are spoken to; in the clear unless it says otherwise.
   */
  constructor(
    bootstrapServers: string | (() => string),
    clientId = 'odradek',
    { patienceMs = PATIENCE_MS, answerTimeoutMs = ANSWER_TIMEOUT_MS }: Waits = {},
    security: ClientSecurity = PLAINTEXT,
  ) {
    this.#connections = new AdminConnections({ clientId, security, answerTimeoutMs });
    if (typeof bootstrapServers === 'string') {
      const fixed = bootstrapAddresses(bootstrapServers);
      this.#bootstrap = () => fixed;
    } else this.#bootstrap = () => bootstrapAddresses(bootstrapServers());
    this.#patienceMs = patienceMs;
  }

  close(): void {
    this.#connections.close();
  }

  /**
   * Of these topics, or of all; topics that don't exist are answered with their error. Rejects with SaslLoginError
   * when nobody answers, and somebody for the reason that he does not take the login.
   */
  async metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const wanted = topics === null ? null : topics.map((name) => ({ name }));
    const request = { topics: wanted, allowAutoTopicCreation: false };
    const failures: Failure[] = [];
    for (const address of this.#bootstrap()) {
      try {
        return await this.#connections.ask(address, Metadata, request);
      } catch (error) {
        failures.push({ address, error });
      }
    }
    throw nobodyAnswers(failures);
  }

  /** `answers` picks what may be an error that passes: then the new controller, if there is one, is asked again. */
  askController<A extends AnyApi>(
    api: A,
    request: RequestInput<A>,
    answers: (response: ResponseOf<A>) => readonly Answer[],
  ): Promise<ResponseOf<A>> {
    return this.#patiently(answers, async () => {
      const { controllerId, brokers } = await this.metadata([]);
      return this.#connections.ask(addressOf(brokers, controllerId, 'the controller'), api, request);
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
      const found = await this.#findCoordinator('group', groupId);
      return this.#connections.ask(found, api, request);
    });
  }

  /** As askController, for the coordinator of a transactional id. */
  askTransactionCoordinator<A extends AnyApi>(
    transactionalId: string,
    api: A,
    request: RequestInput<A>,
    answers: (response: ResponseOf<A>) => readonly Answer[],
  ): Promise<ResponseOf<A>> {
    return this.#patiently(answers, async () => {
      const found = await this.#findCoordinator('transactional id', transactionalId);
      return this.#connections.ask(found, api, request);
    });
  }

  groupCoordinator(groupId: string): Promise<Coordinator> {
    return this.#findCoordinator('group', groupId);
  }

  transactionCoordinator(transactionalId: string): Promise<Coordinator> {
    return this.#findCoordinator('transactional id', transactionalId);
  }

  /** Asks one broker of the metadata. */
  async askBroker<A extends AnyApi>(
    nodeId: number,
    metadata: ClusterMetadata,
    api: A,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    return this.#connections.ask(addressOf(metadata.brokers, nodeId, `broker ${nodeId}`), api, request);
  }

  /** Asks whichever broker answers first. Rejects as `metadata` does. */
  async askAnyBroker<A extends AnyApi>(api: A, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const metadata = await this.metadata([]);
    const failures: Failure[] = [];
    for (const address of metadata.brokers) {
      try {
        return await this.askBroker(address.nodeId, metadata, api, request);
      } catch (error) {
        // A login that one broker does not take another one may.
        if (!(error instanceof Gone || error instanceof SaslLoginError)) throw error;
        failures.push({ address, error });
      }
    }
    throw nobodyAnswers(failures);
  }

  /** What a broker says that it speaks, by API key. */
  async versionsOf(
    broker: Address,
  ): Promise<ReadonlyMap<number, { readonly min: number; readonly max: number }>> {
    return this.#connections.versionsOf(broker);
  }

  async #findCoordinator(type: KeyType, key: string): Promise<Coordinator> {
    const request = { keyType: KEY_TYPES[type], coordinatorKeys: [key] };
    const response = await this.#patiently(
      ({ coordinators }) => coordinators,
      () => this.askAnyBroker(FindCoordinator, request),
    );
    const [found] = response.coordinators;
    if (found === undefined || found.errorCode !== ErrorCode.NONE)
      throw new Error(`${type} ${key}: ${found === undefined ? 'no answer' : reasonOf(found)}`);
    return found;
  }

  /** Asks again while what is answered passes by itself. */
  async #patiently<Response>(
    answers: (response: NoInfer<Response>) => readonly Answer[],
    ask: () => Promise<Response>,
  ): Promise<Response> {
    const deadlineMs = performance.now() + this.#patienceMs;
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
}

/** The client of a command: its brokers, and how it logs in to them. */
export async function adminClient(
  given: Arguments,
  waits: Waits = {},
  clientId?: string,
): Promise<AdminClient> {
  const security = await clientSecurity(given);
  return new AdminClient(given.needText('bootstrap-server'), clientId, waits, security);
}

function nobodyAnswers(failures: readonly Failure[]): Error {
  const problems = failures.map(
    ({ address: { host, port }, error }) => `${host}:${port}: ${messageOf(error)}`,
  );
  const message = `no broker answers: ${problems.join('; ')}`;
  return failures.some(({ error }) => error instanceof SaslLoginError)
    ? new SaslLoginError(message)
    : new Error(message);
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
