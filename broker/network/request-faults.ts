/**
 * The faults that requests meet, as a list: each says which requests it strikes, what becomes of them and
 * how often. The first that fits strikes. It also holds the versions that the broker owns up to, and tells
 * a witness of everything that comes. For the test kit and the fault API (interference.ts is the seam).
 */
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import { Fetch } from '../protocol/messages/01-fetch.ts';
import type { AnyApi, RequestOf } from '../protocol/schema.ts';
import type {
  Interference,
  InterferenceSlot,
  MetRequest,
  SpokenApi,
  SpokenVersions,
  Strike,
} from './interference.ts';

/** What a request must be like; whatever is left out may be anything. */
interface RequestFilter {
  readonly apiKey?: number;
  readonly clientId?: string;
  readonly topic?: string;
  readonly partition?: number;
}

export interface RequestFault {
  readonly filter: RequestFilter;
  readonly strike: Strike;
  /** How many requests it strikes yet; several faults may share one. It is gone when nothing is left. */
  readonly budget: { left: number };
  /** Of the requests that it fits, the share that it strikes; all unless given. */
  readonly probability?: number;
  /** Nothing is left of the budget, and it is gone. */
  readonly spent?: () => void;
}

/** A fault that is in place. */
export interface PlacedFault {
  readonly fault: RequestFault;
  /** Requests it has struck. */
  readonly struck: number;
  remove(): void;
}

interface RequestFaultsOptions {
  /** A fraction in [0, 1), for faults with a probability. */
  readonly fraction: () => number;
  /** Topics by their ids, for requests that name no names. */
  readonly topicName: MetadataCache['topicName'];
  /** Whose requests meet nothing: those of the one who places the faults. */
  readonly sparedClientId?: string;
  /** Told of each request before anything is done with it. */
  readonly witness: ((request: MetRequest) => void) | null;
}

export class RequestFaults implements Interference, InterferenceSlot {
  readonly #options: RequestFaultsOptions;
  readonly #placed: Placed[] = [];
  #limits: ReadonlyMap<number, SpokenVersions | null> | null = null;

  constructor(options: RequestFaultsOptions) {
    this.#options = options;
  }

  /** Empty while there is nothing to do. */
  get current(): Interference | null {
    const idle = this.#placed.length === 0 && this.#limits === null && this.#options.witness === null;
    return idle ? null : this;
  }

  get placed(): readonly PlacedFault[] {
    return this.#placed;
  }

  add(fault: RequestFault): PlacedFault {
    const placed = new Placed(fault, () => {
      const at = this.#placed.indexOf(placed);
      if (at >= 0) this.#placed.splice(at, 1);
    });
    this.#placed.push(placed);
    return placed;
  }

  /** By API key; null denies an API, and what is not named stays as it is. */
  limitVersions(limits: ReadonlyMap<number, SpokenVersions | null> | null): void {
    this.#limits = limits;
  }

  /** As if nobody had ever asked for anything. */
  clear(): void {
    this.#placed.length = 0;
    this.#limits = null;
  }

  versionsOf(api: SpokenApi, clientId: string | null): SpokenVersions | null {
    const limit = this.#isSpared(clientId) ? undefined : this.#limits?.get(api.key);
    if (limit === null) return null;
    const { minVersion, maxVersion } = api;
    if (limit === undefined) return { min: minVersion, max: maxVersion };
    return { min: Math.max(minVersion, limit.min), max: Math.min(maxVersion, limit.max) };
  }

  meet(request: MetRequest): Strike | null {
    if (this.#isSpared(request.header.clientId)) return null;
    this.#options.witness?.(request);
    for (const placed of [...this.#placed]) {
      if (placed.isSpent() || !this.#fits(placed.fault.filter, request)) continue;
      const { probability = 1 } = placed.fault;
      if (probability < 1 && this.#options.fraction() >= probability) continue;
      placed.strikes();
      return placed.fault.strike;
    }
    return null;
  }

  #isSpared(clientId: string | null): boolean {
    return clientId !== null && clientId === this.#options.sparedClientId;
  }

  #fits({ apiKey, clientId, topic, partition }: RequestFilter, { api, header, body }: MetRequest): boolean {
    if (apiKey !== undefined && apiKey !== api.key) return false;
    if (clientId !== undefined && clientId !== header.clientId) return false;
    if (topic === undefined) return true;
    return goesOn(api, body) || names(body, { topic, partition }, this.#options.topicName);
  }
}

class Placed implements PlacedFault {
  readonly fault: RequestFault;
  readonly remove: () => void;
  struck = 0;

  constructor(fault: RequestFault, remove: () => void) {
    this.fault = fault;
    this.remove = remove;
  }

  /** Another with the same budget may have struck for the last time. */
  isSpent(): boolean {
    const isSpent = this.fault.budget.left <= 0;
    if (isSpent) this.remove();
    if (isSpent) this.fault.spent?.();
    return isSpent;
  }

  strikes(): void {
    this.struck++;
    this.fault.budget.left--;
    this.isSpent();
  }
}

/** A fetch that goes on with its session names nothing, and means whatever it named before. */
function goesOn(api: AnyApi, body: RequestOf<AnyApi>): boolean {
  if (api.key !== Fetch.key) return false;
  const { sessionId = 0, topics } = body as RequestOf<typeof Fetch>;
  return sessionId !== 0 && topics.length === 0;
}

interface Named {
  readonly topic: string;
  readonly partition: number | undefined;
}

const TOPIC_FIELDS = ['topic', 'name', 'topicName'];
const PARTITION_FIELDS = ['partition', 'index', 'partitionIndex', 'partitionId'];

/** Whether the partition is anywhere in a request: all of Kafka's name a topic, and its partitions below it. */
function names(value: unknown, named: Named, topicName: RequestFaultsOptions['topicName']): boolean {
  if (Array.isArray(value))
    return value.some((each) => each === named.topic || names(each, named, topicName));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  const fields = value as Record<string, unknown>;
  const id = fields['topicId'];
  const isIt =
    TOPIC_FIELDS.some((field) => fields[field] === named.topic) ||
    (typeof id === 'string' && topicName(id) === named.topic);
  const { partition } = named;
  if (isIt) return partition === undefined || holdsPartition(fields, partition);
  return Object.values(fields).some((each) => names(each, named, topicName));
}

function holdsPartition(fields: Record<string, unknown>, partition: number): boolean {
  if (PARTITION_FIELDS.some((field) => fields[field] === partition)) return true;
  return Object.values(fields).some(
    (list) =>
      Array.isArray(list) &&
      list.some(
        (each) =>
          each === partition ||
          (typeof each === 'object' &&
            each !== null &&
            PARTITION_FIELDS.some((field) => (each as Record<string, unknown>)[field] === partition)),
      ),
  );
}
