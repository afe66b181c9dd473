/**
 * One queue and one sender a broker: requests leave in order, one in flight, and one that gets no answer
 * is sent again after 100 ms for as long as the broker is registered. Hence every broker sees the
 * controller's decisions in the order they were made. Source: kafka.controller.ControllerChannelManager.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { PeerResponseTo } from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { BrokerId } from '../types.ts';
import { type ControllerRequest, MAX_REPLICAS } from './request-batch.ts';

const RETRY_BACKOFF_MS = 100;

interface BrokerChannelsOptions {
  readonly peers: Pick<Peers, 'request'>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** controller.socket.timeout.ms */
  readonly requestTimeoutMs: number;
  readonly answered: (
    broker: BrokerId,
    request: ControllerRequest,
    response: PeerResponseTo<ControllerRequest>,
  ) => void;
}

/** The head of `queue` is what is being sent; it leaves the queue when its answer has come. */
interface Channel {
  broker: BrokerInfo;
  readonly queue: ControllerRequest[];
  /** A request is under way, or the pause before it is sent again. */
  sending: boolean;
  /** For good: what still comes of it is nobody's any more. */
  removed: boolean;
  backoff: Timer | null;
  /** Why there was no answer the last time; null after one. It is told once. */
  failure: string | null;
}

export class BrokerChannels {
  readonly #options: BrokerChannelsOptions;
  /** One for each registered broker that was added. */
  readonly #channels = new Map<BrokerId, Channel>();

  constructor(options: BrokerChannelsOptions) {
    this.#options = options;
  }

  /** Requests that wait for a broker or for its answer. */
  get queueSize(): number {
    let size = 0;
    for (const { queue } of this.#channels.values()) size += queue.length;
    return size;
  }

  /** A broker that has registered; one of the same id, of an earlier registration, is removed first. */
  add(broker: BrokerInfo): void {
    this.remove(broker.id);
    this.#channels.set(broker.id, {
      broker,
      queue: [],
      sending: false,
      removed: false,
      backoff: null,
      failure: null,
    });
  }

  /** The same registration with other endpoints. */
  update(broker: BrokerInfo): void {
    const channel = this.#channels.get(broker.id);
    if (channel !== undefined) channel.broker = broker;
  }

  /** What was not sent is dropped, and an answer that still comes is not reported. */
  remove(id: BrokerId): void {
    const channel = this.#channels.get(id);
    if (channel === undefined) return;
    channel.removed = true;
    channel.queue.length = 0;
    channel.backoff?.cancel();
    this.#channels.delete(id);
  }

  removeAll(): void {
    for (const id of [...this.#channels.keys()]) this.remove(id);
  }

  /** To a broker that is not registered any more nothing is sent. */
  send(id: BrokerId, request: ControllerRequest): void {
    const channel = this.#channels.get(id);
    if (channel === undefined) return;
    channel.queue.push(request);
    this.#next(channel);
  }

  #next(channel: Channel): void {
    const request = channel.queue[0];
    if (channel.sending || channel.removed || request === undefined) return;
    channel.sending = true;
    const { peers, requestTimeoutMs } = this.#options;
    const current = { ...request, brokerEpoch: channel.broker.epoch };
    peers.request(channel.broker, current, requestTimeoutMs).then(
      (response) => this.#answered(channel, current, response),
      (error: unknown) => this.#failed(channel, error),
    );
  }

  #answered(channel: Channel, request: ControllerRequest, response: PeerResponseTo<ControllerRequest>): void {
    if (channel.removed) return;
    channel.sending = false;
    channel.failure = null;
    channel.queue.shift();
    // The broker may be this very process, which needs time for others between two pieces of many files each.
    const isPiece = request.type !== 'UpdateMetadata' && request.partitions.length >= MAX_REPLICAS;
    if (isPiece) this.#options.clock.soon(() => this.#next(channel));
    else this.#next(channel);
    this.#options.answered(channel.broker.id, request, response);
  }

  #failed(channel: Channel, error: unknown): void {
    if (channel.removed) return;
    const { clock, diagnostics } = this.#options;
    const what = channel.queue[0]?.type ?? 'request';
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== channel.failure)
      diagnostics.warn(`${what} to broker ${channel.broker.id} got no answer, sending it again: ${reason}`);
    channel.failure = reason;
    channel.backoff = clock.after(RETRY_BACKOFF_MS, () => {
      channel.backoff = null;
      channel.sending = false;
      this.#next(channel);
    });
  }
}
