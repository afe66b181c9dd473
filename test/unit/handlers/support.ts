/** A broker's services in miniature: a real metadata cache and configuration, the rest as a test says. */

import type { BrokerInfo } from '../../../broker/cluster.ts';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import type { RequestContext } from '../../../broker/handlers/handler.ts';
import type { ServiceName, Services } from '../../../broker/handlers/services.ts';
import { TopicMetrics } from '../../../broker/handlers/shared/topic-metrics.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { type Steps, Turns } from '../../../broker/platform/turns.ts';
import type { ResourceType } from '../../../broker/security/operations.ts';
import { ANONYMOUS } from '../../../broker/security/principal.ts';
import { metadataDelta, type ToldPartition } from '../../support/metadata-deltas.ts';
import { World } from '../../support/world.ts';

/** In which all requests of a file are asked. It flows; time passes as the tests say. */
export const world = World.flowing();

export const T1_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

export function broker(id: number, listeners: readonly string[] = ['PLAINTEXT']): BrokerInfo {
  const endpoints = listeners.map((listener) => ({
    listener,
    host: `host${id}`,
    port: 9092,
    securityProtocol: 'PLAINTEXT',
  }));
  return { id, epoch: id, rack: id === 1 ? 'r1' : null, endpoints };
}

export function partition(
  topic: string,
  number: number,
  overrides: Partial<ToldPartition> = {},
): ToldPartition {
  return {
    topic,
    partition: number,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 3,
    isr: [1, 2],
    partitionEpoch: 4,
    replicas: [1, 2],
    offlineReplicas: [],
    ...overrides,
  };
}

/** A cache that knows brokers 1 and 2, controller 1 and the given partitions. */
export function metadataOf(
  partitions: readonly ToldPartition[],
  brokers: readonly BrokerInfo[] = [broker(1), broker(2)],
): MetadataCache {
  const cache = new MetadataCache(world.clock);
  const onlyTopics = partitions.map(({ topic }) => topic);
  cache.apply(metadataDelta({ brokers, partitions, topicIds: [['t1', T1_ID]], onlyTopics }));
  return cache;
}

/** What a test says of a broker and of the sender of its request; the rest is as in {@link services} and {@link context}. */
export type Given<N extends ServiceName = ServiceName> = { readonly [K in N]?: Played<Services[K]> } & {
  readonly may?: RequestContext['may'];
  readonly charges?: RequestContext['charges'];
};

/** As much of a service as a test plays. What it is asked is the test's to read; what it answers has to fit. */
type Played<T> = T extends (...question: never) => infer Answer
  ? (...question: never) => Played<Answer>
  : T extends Promise<infer Value>
    ? Promise<Played<Value>>
    : T extends ReadonlyMap<unknown, unknown> | Uint8Array | bigint | Steps<unknown>
      ? T
      : { readonly [K in keyof T]?: Played<T[K]> };

/** The context of a request by a sender who may do everything, or what the test says. */
export function sender(
  apiVersion: number,
  { may, charges = null }: Given,
  overrides: Partial<RequestContext> = {},
): ReturnType<typeof context> {
  const own = { charges, ...overrides };
  return context(apiVersion, may === undefined ? own : { ...own, may });
}

export function services({ may, charges, ...overrides }: Given = {}): Services {
  const { clock, diagnostics, metrics, workers } = world.platform('host1', { diagnostics: silent });
  const config = brokerConfig(
    new Map([
      ['zookeeper.connect', 'localhost:2181'],
      ['broker.id', '1'],
    ]),
  );
  const metadata = metadataOf([partition('t1', 0)]);
  const base = {
    brokerId: 1,
    clusterId: 'cluster',
    config,
    liveConfig: new LiveValue(config),
    clock,
    diagnostics,
    metrics,
    workers,
    topicMetrics: new TopicMetrics(metrics, metadata),
    metadata,
    features: { current: { epoch: -1, levels: new Map() } },
    acls: null,
    tokens: null,
    listenerSecurity: { problemOf: async () => null },
  };
  return { ...base, ...overrides } as Services;
}

export function context(
  apiVersion: number,
  overrides: Partial<RequestContext> = {},
): RequestContext & { released: (() => void)[] } {
  const released: (() => void)[] = [];
  const may = overrides.may ?? (() => true);
  return {
    apiVersion,
    clientId: 'client',
    clientHost: '10.0.0.1',
    listener: 'PLAINTEXT',
    securityProtocol: 'PLAINTEXT',
    principal: ANONYMOUS,
    connectionId: 'c1',
    charges: null,
    isAlone: false,
    turns: new Turns(world.clock),
    may,
    couldDo: may,
    mayForSome: (operation, type) => may(operation, { type, name: 'any' }),
    afterSend: (run) => released.push(run),
    whenCounted() {},
    keep: () => () => {},
    released,
    ...overrides,
  };
}

/** A group coordinator that answers `answer` whatever it is asked by `method`, and keeps the questions. */
export function playing<Answer>(method: string, answer: Answer) {
  const asked: unknown[] = [];
  const groups = {
    [method]: (...question: unknown[]) => {
      asked.push(question.length === 1 ? question[0] : question);
      return answer;
    },
  };
  return { asked, groups };
}

/** The rights of a sender who may not do anything to things of that kind. */
export function denying(type: ResourceType): RequestContext['may'] {
  return (_operation, resource) => resource.type !== type;
}
