/** Requests that fail on purpose, and brokers that speak as older ones: the kit's words for what dispatch does. */
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import {
  type RequestFaultOptions,
  requestFaultOf,
  servedApi,
} from '../../broker/faults/request-faults-by-name.ts';
import { HANDLERS } from '../../broker/handlers/table.ts';
import type { SpokenVersions } from '../../broker/network/interference.ts';
import type { PlacedFault, RequestFault, RequestFaults } from '../../broker/network/request-faults.ts';
import { highestVersions, RELEASE_NAMES } from './older-brokers.ts';

/** Which requests fail, and how. */
export interface FailOptions extends RequestFaultOptions {
  /** Only on this broker. */
  readonly broker?: number;
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
const LAST_RELEASE = '3.9';

/** Throws, with the name that is meant, where something is none. */
export function failNext(tables: ReadonlyMap<number, RequestFaults>, options: FailOptions): PlacedFailure {
  refuseUnknown(Object.keys(options), Object.keys(OPTION_NAMES), 'option of failNext');
  const fault = failing(options);
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

function failing(options: FailOptions): RequestFault {
  try {
    return requestFaultOf(options);
  } catch (error) {
    throw new Error(`failNext: ${(error as Error).message}`);
  }
}

/** `{ Fetch: [4, 11], CreatePartitions: null }`: ranges by name, null for an API that the broker denies. */
export type VersionLimits = Readonly<Record<string, readonly [number, number] | null>>;

/** Those that are not named stay as they are. */
export function limitVersions(tables: Iterable<RequestFaults>, limits: VersionLimits): void {
  const ranges = new Map<number, SpokenVersions | null>();
  for (const [name, range] of Object.entries(limits)) {
    const api = servedApi(name);
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
