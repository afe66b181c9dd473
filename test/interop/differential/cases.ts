/**
 * What both brokers are sent: every sample in every version, and the same with one thing changed: all
 * changes in the oldest, the first flexible and the newest version, those behind the header in all of them.
 */
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { requestHeaderVersion } from '../../../broker/protocol/header.ts';
import type { AnyApi } from '../../../broker/protocol/schema.ts';
import { type Change, LaidOut, mutationsOf, type Shape, uvarint } from './laid-out.ts';
import { CORRELATION_ID } from './line.ts';
import { SAMPLES } from './samples.ts';
import { NOBODY, type Sample, type World } from './world.ts';

export interface Case {
  readonly api: AnyApi;
  readonly version: number;
  readonly sample: string;
  /** The field that was changed, without indexes; `frame` or `header`; '' for none. */
  readonly path: string;
  /** '' for none. */
  readonly mutation: string;
  /** The whole frame for one of the brokers. */
  frame(world: World): Buffer;
}

/** What Apache's broker does not get over. */
const NOT_SENT = new Set([
  // It makes a list of as many partitions.
  'CreateTopics topics.numPartitions greatest',
  'CreatePartitions topics.count greatest',
  'CreatePartitions topics.count least',
  // While a transaction is under way in the log it asks no coordinator, and takes the epoch: it fences the producer.
  'TxnOffsetCommit producerEpoch greatest',
]);
/** Changes of a whole frame. `body` is what follows the header. */
const OF_FRAME: Readonly<Record<string, (header: Buffer, body: Buffer) => readonly Buffer[]>> = {
  'spare bytes behind': (header, body) => [header, body, Buffer.from([1, 0, 0])],
  'cut by one byte': (header, body) => [header, body.subarray(0, -1)],
  'cut in half': (header, body) => [header, body.subarray(0, body.length >> 1)],
  'nothing behind the header': (header) => [header],
};
const VERSION_AT = 2;
const CLIENT_ID = Buffer.from([0, 4, 0x74, 0x65, 0x73, 0x74]);

/** All cases, in the order in which they are to be sent. What is made is numbered from `firstUnique` on. */
export function allCases(firstUnique = 0): Case[] {
  const apis = [...HANDLERS.values()].map(({ api }) => api).sort((a, b) => a.key - b.key);
  let unique = firstUnique;
  return apis.flatMap((api) =>
    versionsOf(api).flatMap((version) =>
      (SAMPLES[api.key] ?? [])
        .filter(({ from = 0, to = version }) => version >= from && version <= to)
        .flatMap((sample) => casesOf(api, version, sample, () => unique++)),
    ),
  );
}

function casesOf(api: AnyApi, version: number, sample: Sample, nextUnique: () => number): Case[] {
  const made = (path: string, mutation: string, frame: (world: World, unique: number) => Buffer): Case => {
    const unique = nextUnique();
    return { api, version, sample: sample.name, path, mutation, frame: (world) => frame(world, unique) };
  };
  const head = headerOf(api, version);
  const plain = (world: World, unique: number): Buffer =>
    bodyOf(api, version, sample.request(world, unique), null);
  const cases = [made('', '', (world, unique) => framed(head, plain(world, unique)))];
  for (const [mutation, change] of Object.entries(OF_FRAME)) {
    cases.push(made('frame', mutation, (world, unique) => framed(...change(head, plain(world, unique)))));
  }
  if (!isChangedThroughout(api, version, sample)) return cases;
  for (const [mutation, header] of Object.entries(headers(api, version))) {
    cases.push(made('header', mutation, (world, unique) => framed(header, plain(world, unique))));
  }
  for (const change of changesOf(api, version, sample)) {
    if (NOT_SENT.has(`${api.name} ${change.path} ${change.mutation}`)) continue;
    cases.push(
      made(change.path, change.mutation, (world, unique) =>
        framed(head, bodyOf(api, version, sample.request(world, unique), change)),
      ),
    );
  }
  return cases;
}

/** In the first and last version of a sample, and where the encoding changes. */
function isChangedThroughout(
  api: AnyApi,
  version: number,
  { from = 0, to = api.maxVersion }: Sample,
): boolean {
  return version === Math.max(from, api.minVersion) || version === to || version === api.requestFlexibleFrom;
}

function changesOf(api: AnyApi, version: number, sample: Sample): Change[] {
  const shape = shapeOf(api, version);
  const { sites } = new LaidOut(api.request, sample.request(NOBODY, 0), shape);
  return [...sites.values()].flatMap(({ site: { path, kind }, value }) =>
    mutationsOf(kind, value).map((mutation) => ({ path, mutation })),
  );
}

/** Frames of a request in the newest version, for each list that it has, with the first of the list `times` times. */
export function repetitiveFrames(
  api: AnyApi,
  request: Readonly<Record<string, unknown>>,
  times: number,
): { path: string; frame(): Buffer }[] {
  const version = api.maxVersion;
  const { sites } = new LaidOut(api.request, request, shapeOf(api, version));
  return [...sites.values()]
    .filter(({ site, value }) => site.kind === 'array' && Array.isArray(value) && value.length > 0)
    .map(({ site: { path } }) => {
      const change = { path, mutation: `first ${times} times` };
      const frame = (): Buffer => framed(headerOf(api, version), bodyOf(api, version, request, change));
      return { path, frame };
    });
}

function shapeOf(api: AnyApi, version: number): Shape {
  return { version, flexible: version >= api.requestFlexibleFrom };
}

function bodyOf(
  api: AnyApi,
  version: number,
  request: Readonly<Record<string, unknown>>,
  change: Change | null,
): Buffer {
  return new LaidOut(api.request, request, shapeOf(api, version), change).bytes();
}

function headerOf(api: AnyApi, version: number): Buffer {
  const fixed = Buffer.alloc(8);
  fixed.writeInt16BE(api.key, 0);
  fixed.writeInt16BE(version, VERSION_AT);
  fixed.writeInt32BE(CORRELATION_ID, 4);
  const tags = requestHeaderVersion(api, version) >= 2 ? uvarint(0) : Buffer.alloc(0);
  return Buffer.concat([fixed, CLIENT_ID, tags]);
}

function headers(api: AnyApi, version: number): Record<string, Buffer> {
  const header = headerOf(api, version);
  const tagged = requestHeaderVersion(api, version) >= 2;
  const fixed = header.subarray(0, 8);
  const tags = header.subarray(8 + CLIENT_ID.length);
  const clientId = (...bytes: number[]): Buffer => Buffer.concat([fixed, Buffer.from(bytes), tags]);
  const changed: Record<string, Buffer> = {
    'client id null': clientId(0xff, 0xff),
    'client id of length -2': clientId(0xff, 0xfe),
    'client id empty': clientId(0, 0),
    'client id over-long': clientId(0x7f, 0xff),
  };
  if (tagged) {
    const tag = Buffer.from([1, 0x2a, 3, 1, 2, 3]);
    changed['unknown tag'] = Buffer.concat([header.subarray(0, -1), tag]);
  }
  if (version === api.maxVersion) {
    for (const other of [-1, version + 1, 0x7fff, -0x8000]) {
      changed[`version ${other === version + 1 ? 'too high' : other}`] = withVersion(header, other);
    }
  }
  return changed;
}

function withVersion(header: Buffer, version: number): Buffer {
  const changed = Buffer.from(header);
  changed.writeInt16BE(version, VERSION_AT);
  return changed;
}

function versionsOf({ minVersion, maxVersion }: AnyApi): number[] {
  return Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index);
}

function framed(...parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}
