/**
 * Requests of every API in which one array, whichever it is, holds very many different things: made of the
 * samples, as those name what there is, and of the declarations, so that no array is left out.
 */
import { HANDLERS } from '../../broker/handlers/table.ts';
import { isPresent } from '../../broker/protocol/field-facts.ts';
import { requestFrame } from '../../broker/protocol/frame.ts';
import type { AnyApi, Field, Schema } from '../../broker/protocol/schema.ts';
import { SAMPLES } from '../interop/differential/samples.ts';
import { NOBODY } from '../interop/differential/world.ts';
import { AGAIN, type HeavyWork, numbers, TIMEOUT_MS } from './heavy-clients.ts';
import { exchange } from './hostile-client.ts';

type Item = Readonly<Record<string, unknown>>;

/** Where an array is: its name, behind those of the arrays of structs that it is in. */
type Path = readonly string[];

/** What would be done would take minutes, one thing after the other: an access rule, a credential. */
const SLOW = /^(CreateAcls: creations|AlterUserScramCredentials: upsertions)/;
const NAME = /(^name|Name|[tT]opics?|Id|[kK]ey|[fF]eature|[pP]rincipal|Groups?|path)$/;
const NUMBER = /([iI]ndex|[pP]artition|[iI]d)$/;

/** With so many as `AGAIN`: what is not answered has not been worked at. */
export const ANSWERED: readonly string[] = [
  'Fetch: topics.partitions',
  'DeleteRecords: topics',
  'WriteTxnMarkers: markers',
  'DeleteGroups: groupsNames',
  'AlterConfigs: resources',
];

/** The elements that the largest permitted request has, less some for those around the array. */
const MOST = 490_000;

/** As many names of this size as the largest permitted request has room for; they differ at their ends only. */
const LONG = { most: 3200, nameBytes: 32_000 } as const;

/** How many things there are in an array, and how long their names are: 0 for short ones. */
interface Amount {
  readonly most: number;
  readonly nameBytes: number;
}

/** Each array of each API with 100,000 things, with as many as a request may have, and with the longest names. */
export function namings(): HeavyWork[] {
  return [...HANDLERS.values()]
    .flatMap(({ api }) =>
      arraysOf(api.request).flatMap((path) => [
        naming(api, path, { most: AGAIN, nameBytes: 0 }),
        naming(api, path, { most: MOST, nameBytes: 0 }),
        ...(isNamedByText(api, path) ? [naming(api, path, LONG)] : []),
      ]),
    )
    .filter(({ name }) => !SLOW.test(name));
}

/** A request with `most` different things in that array, or as many as those have elements together. */
export function requestOfMany(api: AnyApi, path: Path, amount: Amount): { version: number; request: Item } {
  const version = versionWith(api, path);
  const request = withMany(api.request, sampleOf(api, version), { path, version, ...amount });
  return { version, request: { ...request, ...named(HARMLESS, (name) => name in api.request) } };
}

function naming(api: AnyApi, path: Path, amount: Amount): HeavyWork {
  const what = `${api.name}: ${path.join('.')}`;
  const { most, nameBytes } = amount;
  const isAnswered = most === AGAIN && ANSWERED.includes(what);
  return {
    name: `${what}, ${most} different${nameBytes > 0 ? ` of ${nameBytes} bytes` : ''}`,
    async run(port) {
      const { version, request } = requestOfMany(api, path, amount);
      const header = { correlationId: 7, clientId: 'hostile' };
      const frame = Buffer.concat(requestFrame(api, version, header, request as never));
      const { ended } = await exchange(port, frame, TIMEOUT_MS);
      if (ended === 'silent' || (isAnswered && ended !== 'answered'))
        throw new Error(`no answer to ${what}: ${ended}`);
    },
  };
}

/** Nothing is made that those who come after would have to do with. */
const HARMLESS: Item = { validateOnly: true, allowAutoTopicCreation: false };

function named(item: Item, isWanted: (name: string) => boolean): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => isWanted(name)));
}

/** All arrays of a message, at whatever depth. */
export function arraysOf(schema: Schema, outer: Path = []): Path[] {
  return Object.entries(schema).flatMap(([name, field]) => {
    const here = [...outer, name];
    if (field.kind === 'struct') return arraysOf(field.fields ?? {}, here);
    if (field.kind !== 'array') return [];
    return [here, ...arraysOf(field.element?.fields ?? {}, here)];
  });
}

/** The newest that has the array. */
function versionWith({ name, request, minVersion, maxVersion }: AnyApi, path: Path): number {
  for (let version = maxVersion; version >= minVersion; version--) {
    let fields = request;
    const has = path.every((step) => {
      const field = fields[step];
      fields = field?.element?.fields ?? field?.fields ?? {};
      return field !== undefined && isPresent(field, { version, flexible: false });
    });
    if (has) return version;
  }
  throw new Error(`no version of ${name} has ${path.join('.')}`);
}

function sampleOf({ key, request }: AnyApi, version: number): Item {
  const sample = SAMPLES[key]?.find(({ from = 0, to = version }) => version >= from && version <= to);
  return withoutOthers(request, sample?.request(NOBODY, 0) ?? {}, version);
}

/** What belongs to other versions only is left out. */
function withoutOthers(schema: Schema, item: Item, version: number): Item {
  const present = Object.entries(item).flatMap(([name, value]): [string, unknown][] => {
    const field = schema[name];
    if (field === undefined || !isPresent(field, { version, flexible: false })) return [];
    const fields = field.element?.fields ?? field.fields;
    if (fields === undefined || value === null) return [[name, value]];
    const inner = (each: unknown): Item => withoutOthers(fields, each as Item, version);
    return [[name, Array.isArray(value) ? value.map(inner) : inner(value)]];
  });
  return Object.fromEntries(present);
}

interface Wanted extends Amount {
  readonly path: Path;
  readonly version: number;
}

/** The item with that array filled; what is around it is there once. */
function withMany(schema: Schema, item: Item, { path, ...how }: Wanted): Item {
  const [name = '', ...inner] = path;
  const field = schema[name] as Field<unknown>;
  if (field.kind === 'struct') {
    const struct = (item[name] ?? {}) as Item;
    return { ...item, [name]: withMany(field.fields ?? {}, struct, { path: inner, ...how }) };
  }
  const element = field.element as Field<unknown>;
  const [first] = (item[name] as readonly unknown[] | null | undefined) ?? [];
  if (inner.length > 0) {
    const around = withMany(element.fields ?? {}, (first ?? {}) as Item, { path: inner, ...how });
    return { ...item, [name]: [around] };
  }
  const count = Math.floor(how.most / (1 + elementsIn(first)));
  return { ...item, [name]: numbers(count).map((n) => different(element, first, { n, ...how })) };
}

function elementsIn(value: unknown): number {
  if (Array.isArray(value))
    return value.length + value.reduce((sum: number, each) => sum + elementsIn(each), 0);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return 0;
  return Object.values(value).reduce((sum: number, each) => sum + elementsIn(each), 0);
}

/** The value with what names it replaced by something that goes by the number `n`. */
function different(
  field: Field<unknown>,
  value: unknown,
  at: { readonly n: number; readonly version: number; readonly nameBytes: number },
): unknown {
  const { n, version, nameBytes } = at;
  if (field.kind === 'string')
    return `${typeof value === 'string' ? value : 'n'}-${n}`.padStart(nameBytes, 'n');
  if (field.kind === 'uuid') return uuidOf(n);
  if (field.kind !== 'struct') return n;
  const fields = fieldsIn(field, version);
  const item = (value ?? {}) as Item;
  const naming = namingIn(fields);
  if (naming !== undefined) return { ...item, [naming[0]]: different(naming[1], item[naming[0]], at) };
  const inner = fields.find(([, { kind }]) => kind === 'array');
  if (inner === undefined || inner[1].element === undefined) return item;
  const [first] = (item[inner[0]] as readonly unknown[] | undefined) ?? [];
  return { ...item, [inner[0]]: [different(inner[1].element, first, at)] };
}

type NamedField = readonly [name: string, field: Field<unknown>];

function fieldsIn({ fields = {} }: Field<unknown>, version: number): readonly NamedField[] {
  return Object.entries(fields).filter(([, each]) => isPresent(each, { version, flexible: false }));
}

/** What names a struct of these fields. */
function namingIn(fields: readonly NamedField[]): NamedField | undefined {
  return (
    fields.find(([name, { kind }]) => kind === 'string' && NAME.test(name)) ??
    fields.find(([, { kind }]) => kind === 'uuid') ??
    fields.find(([name, { kind }]) => /^int|^safeInt/.test(kind) && NUMBER.test(name))
  );
}

/** Whether what the array holds goes by texts. */
function isNamedByText(api: AnyApi, path: Path): boolean {
  const version = versionWith(api, path);
  let fields: Schema = api.request;
  let last: Field<unknown> | undefined;
  for (const step of path) {
    last = fields[step];
    fields = last?.element?.fields ?? last?.fields ?? {};
  }
  const element = last?.element;
  if (element === undefined) return false;
  const naming = element.kind === 'struct' ? namingIn(fieldsIn(element, version))?.[1] : element;
  return naming?.kind === 'string';
}

function uuidOf(n: number): string {
  const bytes = Buffer.alloc(16, 7);
  bytes.writeUInt32BE(n);
  return bytes.toString('base64url');
}
