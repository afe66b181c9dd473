/** Requests that fail on purpose, and brokers that speak as older ones: the kit's words for what dispatch does. */
import { ErrorCode } from '../../broker/errors.ts';
import { HANDLERS } from '../../broker/handlers/table.ts';
import type { SpokenVersions, Strike } from '../../broker/network/interference.ts';
import type { PlacedFault, RequestFault, RequestFaults } from '../../broker/network/request-faults.ts';
import type { AnyApi } from '../../broker/protocol/schema.ts';
import { highestVersions, RELEASE_NAMES } from './older-brokers.ts';
import { refuseUnknown } from './options.ts';

/** Which requests fail, and how. */
export interface FailOptions {
  /** Kafka's name, such as `Produce`; all unless given. */
  readonly api?: string;
  /** Kafka's name of an error; or the connection ends, or no answer ever comes. Without one the answer is its own. */
  readonly error?: string;
  /** Requests that it strikes: 1 unless given. */
  readonly times?: number;
  /** How much later the answer comes. */
  readonly delayMs?: number;
  /** Only requests that name this topic. They fail as a whole. */
  readonly topic?: string;
  /** With `topic`. */
  readonly partition?: number;
  readonly clientId?: string;
  /** Only on this broker. */
  readonly broker?: number;
  /** The request is carried out, and then its answer is the error, or lost: for what retries do. */
  readonly carriedOut?: boolean;
  /** Of the requests it fits, the share it strikes; 1 unless given. */
  readonly probability?: number;
}

/** A fault in place. */
export interface PlacedFailure {
  /** Requests it has struck so far, on all brokers. */
  readonly struck: number;
  /** It strikes no more. */
  remove(): void;
}

const OPTION_NAMES: Readonly<Record<keyof FailOptions, true>> = {
  api: true,
  error: true,
  times: true,
  delayMs: true,
  topic: true,
  partition: true,
  clientId: true,
  broker: true,
  carriedOut: true,
  probability: true,
};
const CLOSE = 'close';
const NO_ANSWER = 'no answer';
const LAST_RELEASE = '3.9';

/** Throws, with the name that is meant, where something is none. */
export function failNext(tables: ReadonlyMap<number, RequestFaults>, options: FailOptions): PlacedFailure {
  refuseUnknown(Object.keys(options), Object.keys(OPTION_NAMES), 'option of failNext');
  const fault = faultOf(options);
  const { broker } = options;
  if (broker !== undefined && !tables.has(broker)) throw new Error(`there is no broker ${broker}`);
  const placed: PlacedFault[] = [];
  for (const [id, table] of tables) if (broker === undefined || id === broker) placed.push(table.add(fault));
  return {
    get struck() {
      return placed.reduce((sum, { struck }) => sum + struck, 0);
    },
    remove() {
      for (const each of placed) each.remove();
    },
  };
}

function faultOf(options: FailOptions): RequestFault {
  const { api, topic, partition, clientId, times = 1, probability = 1, delayMs = 0 } = options;
  if (partition !== undefined && topic === undefined)
    throw new Error('failNext: a partition needs its topic');
  if (!(times >= 1)) throw new Error(`failNext: times must be 1 or more, not ${times}`);
  if (!(probability > 0 && probability <= 1))
    throw new Error(`failNext: probability must be above 0 and at most 1, not ${probability}`);
  if (!(delayMs >= 0)) throw new Error(`failNext: delayMs must be 0 or more, not ${delayMs}`);
  if (options.error === undefined && options.delayMs === undefined)
    throw new Error('failNext: say what happens: an error, or a delayMs');
  const filter = {
    ...(api === undefined ? {} : { apiKey: apiNamed(api).key }),
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
    ...(clientId === undefined ? {} : { clientId }),
  };
  const outcome = outcomeOf(options.error);
  const carriedOut = options.carriedOut ?? outcome === 'answer';
  return { filter, budget: { left: times }, probability, strike: { outcome, carriedOut, delayMs } };
}

function outcomeOf(error: string | undefined): Strike['outcome'] {
  if (error === undefined) return 'answer';
  if (error === CLOSE || error === NO_ANSWER) return error;
  refuseUnknown([error], [...Object.keys(ErrorCode), CLOSE, NO_ANSWER], 'error that a broker answers');
  return { error: ErrorCode[error as keyof typeof ErrorCode] };
}

function apiNamed(name: string): AnyApi {
  const served = [...HANDLERS.values()].map(({ api }) => api);
  refuseUnknown(
    [name],
    served.map((each) => each.name),
    'API that a broker serves',
  );
  return served.find((each) => each.name === name) as AnyApi;
}

/** `{ Fetch: [4, 11], CreatePartitions: null }`: ranges by name, null for an API that the broker denies. */
export type VersionLimits = Readonly<Record<string, readonly [number, number] | null>>;

/** Those that are not named stay as they are. */
export function limitVersions(tables: Iterable<RequestFaults>, limits: VersionLimits): void {
  const ranges = new Map<number, SpokenVersions | null>();
  for (const [name, range] of Object.entries(limits)) {
    const api = apiNamed(name);
    const [min, max] = range ?? [api.minVersion, api.maxVersion];
    if (min > max || max < api.minVersion || min > api.maxVersion)
      throw new Error(
        `${name} has versions ${api.minVersion} to ${api.maxVersion}, and none from ${min} to ${max}`,
      );
    ranges.set(api.key, range === null ? null : { min, max });
  }
  for (const table of tables) table.limitVersions(ranges);
}

/** Every broker speaks as one of that release; '3.9' is what they are. */
export function actLike(tables: Iterable<RequestFaults>, release: string): void {
  const highest = highestVersions(release);
  if (highest === null)
    throw new Error(`'${release}' is no release that can be acted: these are ${RELEASE_NAMES.join(', ')}`);
  const ranges = new Map<number, SpokenVersions | null>();
  for (const { api } of HANDLERS.values()) {
    const max = highest.get(api.key);
    ranges.set(api.key, max === undefined ? null : { min: api.minVersion, max });
  }
  for (const table of tables) table.limitVersions(release === LAST_RELEASE ? null : ranges);
}
