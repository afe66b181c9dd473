/**
 * What the contract of metadata feeds is tested with: a feed with a controller that says what the suite
 * wants, and this broker's parts behind a real publisher, which keep what they hear.
 */

import type { BrokerInfo } from '../../broker/cluster.ts';
import { ErrorCode } from '../../broker/errors.ts';
import { ControllerFence } from '../../broker/metadata/controller-fence.ts';
import {
  type DeltaOutcome,
  deltaOutcome,
  type MetadataDelta,
  type ReplicaDelta,
  type ReplicaState,
} from '../../broker/metadata/delta.ts';
import { MetadataCache } from '../../broker/metadata/metadata-cache.ts';
import type { MetadataFeed } from '../../broker/metadata/metadata-feed.ts';
import { MetadataPublisher } from '../../broker/node/metadata-publisher.ts';
import { done } from '../../broker/platform/turns.ts';
import type { BrokerId } from '../../broker/types.ts';
import type { ToldPartition } from '../support/metadata-deltas.ts';
import { World } from '../support/world.ts';

/** The broker that listens. */
export const LISTENER = 2;
const LIMIT_MS = 1000;

/** Who speaks, and in which term of office, as he says. */
export interface Office {
  readonly controllerId: BrokerId;
  readonly controllerEpoch: number;
}

export interface Said {
  /** The registration of the listener that it is meant for; whoever hears it, if left out. */
  readonly brokerEpoch?: number;
  readonly metadata?: MetadataDelta;
  readonly replicas?: ReplicaDelta;
}

interface FeedBench {
  readonly feed: MetadataFeed;
  /** A broker comes into office, and whoever held it has lost it. */
  elect(controllerId: BrokerId): Promise<Office>;
  /**
   * The listener is told, in as many deltas as the feed makes of it, after what was said before. Resolves
   * when it has been taken in, or refused, or when the feed has kept it from being said.
   */
  say(office: Office, said: Said): Promise<void>;
}

/** Makes a feed for broker LISTENER. */
export type MakeFeedBench = (own: { world: World; fence: ControllerFence }) => Promise<FeedBench>;

/** A listening broker, not registered yet, and what its parts have heard since the last look. */
export class Listener {
  readonly world = new World();
  readonly fence = new ControllerFence();
  readonly metadata = new MetadataCache(this.world.clock);
  readonly #heard: string[] = [];
  #configsBlocked: Promise<void> = Promise.resolve();
  #bench: FeedBench | null = null;

  static async start(makeBench: MakeFeedBench): Promise<Listener> {
    const listener = new Listener();
    const bench = await listener.soon(makeBench(listener));
    listener.#bench = bench;
    const publisher = new MetadataPublisher({
      ...listener.#parts(),
      clock: listener.world.clock,
      fence: listener.fence,
    });
    bench.feed.start((delta) => publisher.publish(delta));
    return listener;
  }

  register(brokerEpoch: number): void {
    this.fence.registered(brokerEpoch);
  }

  elect(controllerId: BrokerId): Promise<Office> {
    return this.soon(this.#made.elect(controllerId));
  }

  /** Says it, and waits until it has been heard. */
  told(office: Office, said: Said): Promise<void> {
    return this.soon(this.say(office, said));
  }

  say(office: Office, said: Said): Promise<void> {
    return this.#made.say(office, said);
  }

  soon<T>(promise: Promise<T>): Promise<T> {
    return this.world.settled(promise, LIMIT_MS);
  }

  /** Whatever is under way has come as far as it can. */
  idle(): Promise<void> {
    return this.world.pass(LIMIT_MS);
  }

  /** From here on configs are not read before the returned function is called. */
  blockConfigs(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#configsBlocked = promise;
    return resolve;
  }

  /** Empties what has been heard. */
  heard(): string[] {
    return this.#heard.splice(0);
  }

  get #made(): FeedBench {
    if (this.#bench === null) throw new Error('there is no bench yet');
    return this.#bench;
  }

  #parts() {
    const hear = (what: string): void => {
      this.#heard.push(what);
    };
    return {
      metadata: this.metadata,
      replicas: {
        metadataUpdated: () => hear('image'),
        apply: (delta: ReplicaDelta) => done(heardByReplicas(delta, hear)),
      },
      peers: { forget: (id: BrokerId) => hear(`forget broker ${id}`) },
      configs: {
        load: (topics: Iterable<string>) => {
          hear(`load configs of ${[...topics]}`);
          return this.#configsBlocked;
        },
        forget: (topic: string) => hear(`forget configs of ${topic}`),
      },
      groups: {
        forgetPartitions: async (keys: ReadonlySet<string>) => hear(`forget offsets of ${[...keys]}`),
      },
    };
  }
}

function heardByReplicas({ lead, follow, stop }: ReplicaDelta, hear: (what: string) => void): DeltaOutcome {
  const name = (one: { topic: string; partition: number; leaderEpoch: number }): string =>
    `${one.topic}-${one.partition} in epoch ${one.leaderEpoch}`;
  for (const one of lead) hear(`lead ${name(one)}`);
  for (const one of follow) hear(`follow ${one.leader} in ${name(one)}`);
  for (const one of stop) hear(`${one.deletePartition ? 'delete' : 'stop'} ${name(one)}`);
  return deltaOutcome(ErrorCode.NONE);
}

export function broker(id: BrokerId, epoch = 1): BrokerInfo {
  return { id, epoch, rack: null, endpoints: [] };
}

export function partition(topic: string, number = 0, changed: Partial<ToldPartition> = {}): ToldPartition {
  return {
    topic,
    partition: number,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 0,
    isr: [1, 2],
    partitionEpoch: 0,
    replicas: [1, 2],
    offlineReplicas: [],
    ...changed,
  };
}

export function replica(topic: string, changed: Partial<ReplicaState> = {}): ReplicaState {
  return {
    topic,
    partition: 0,
    topicId: null,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 0,
    isr: [1, 2],
    partitionEpoch: 0,
    replicas: [1, 2],
    addingReplicas: [],
    removingReplicas: [],
    isNew: false,
    ...changed,
  };
}
