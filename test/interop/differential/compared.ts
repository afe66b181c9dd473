/**
 * What two brokers made of one request, side by side. What may differ between any two brokers is made
 * alike first: ids they invent, places, sizes on disk, the wording of messages, the order of lists.
 */
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { type Json, readAnswer } from './answers.ts';
import type { Case } from './cases.ts';
import type { Outcome } from './line.ts';
import type { World } from './world.ts';

/** Names of fields that tell elements of a list apart. */
const IDENTITIES = [
  'name',
  'topic',
  'topicName',
  'groupId',
  'partition',
  'partitionIndex',
  'resourceType',
  'resourceName',
  'apiKey',
  'topicId',
  'transactionalId',
];

/** Configs that say where a broker is. */
const PLACES = new Set(['listeners', 'log.dirs', 'zookeeper.connect']);
/** Configs that only ours has. */
const OWN_CONFIGS = new Set([
  'authorizer.cache.max.resources',
  'authorizer.log.max.lines.per.second',
  'client.quota.max.sensors',
  'compressed.batch.max.decompressed.bytes',
  'compressed.batch.max.records',
  'delegation.token.max.tokens',
  'fetch.max.converted.bytes',
  'group.max.protocols',
  'queued.produce.max.bytes',
  'worker.threads',
  'worker.idle.ms',
  'max.incremental.fetch.session.cache.partitions',
  'peer.advertised.listener',
  'peer.compression.type',
  'peer.listener',
  'journal.dir',
  'journal.max.bytes',
  'journal.max.events',
  'journal.max.readers',
  'fault.api.enable',
  'fault.api.loopback.only',
  'fault.api.max.faults',
  'fault.api.max.ms',
  'peer.max.handshakes',
  'peer.max.handshakes.per.ip',
  'peer.max.message.bytes',
  'peer.shared.secret',
  'peer.http.pages',
  'zookeeper.digest.credentials',
  'zookeeper.sasl.jaas.config',
  'peer.stream.credit.bytes',
  'queued.max.response.bytes',
  'request.max.arrival.pause.ms',
  'request.max.decompressed.bytes',
  'request.max.decompressed.records',
  'request.max.new.partitions',
  'socket.request.max.elements',
  'tls.handshake.timeout.ms',
  'tls.max.handshakes',
  'transaction.completion.wait.ms',
  'transaction.max.ids',
]);

/** One thing that is not alike. */
export interface Difference {
  /** Where in the answer, without indexes; 'outcome' for how it ended. */
  readonly at: string;
  readonly ours: string;
  readonly kafkas: string;
}

/** Fields that are as each broker pleases, by name. */
const OWN_AFFAIR = new Set([
  'throttleTimeMs',
  'host',
  'port',
  'clusterId',
  'logDir',
  'totalBytes',
  'usableBytes',
  'partitionSize',
  'clientHost',
  'sessionLifetimeMs',
  'lastTimestamp',
  'logAppendTimeMs',
  'transactionStartTimeMs',
]);
/** Fields of which it matters only whether they say something. */
const INVENTED = new Set(['errorMessage', 'memberId', 'leader', 'producerId', 'sessionId', 'documentation']);

/** What is not alike; nothing for two that are. */
export function differences(
  sent: Case,
  ours: readonly [Outcome, World],
  kafkas: readonly [Outcome, World],
): Difference[] {
  const [left, right] = [seen(sent, ...ours), seen(sent, ...kafkas)];
  if (left.ended !== right.ended) return [{ at: 'outcome', ours: left.ended, kafkas: right.ended }];
  const found: Difference[] = [];
  collect(left.answer, right.answer, '', found);
  return found;
}

interface Seen {
  readonly ended: string;
  readonly answer: Json;
}

function seen({ api, version }: Case, { ended, answer }: Outcome, world: World): Seen {
  if (answer === null) return { ended, answer: null };
  const spoken = api.name === 'ApiVersions' && answer.readInt16BE(0) === 35 ? 0 : version;
  try {
    return {
      ended: ended === 'closed' ? 'answered, then closed' : ended,
      answer: alike(readAnswer(api, spoken, answer), '', world),
    };
  } catch (error) {
    return { ended: `unreadable: ${String(error)}`, answer: null };
  }
}

/** With what may differ made alike. */
function alike(value: Json, name: string, world: World): Json {
  if (OWN_AFFAIR.has(name)) return '…';
  if (INVENTED.has(name)) return value === null || value === '' || value === 0 || value === -1 ? value : '…';
  if (name === 'topicId' && typeof value === 'string') return topicOf(value, world);
  if (isList(value)) {
    const elements = merged(value).map((each) => alike(each, '', world));
    const kept = elements.filter((each) => !isUnique(each) && !isUnserved(each) && !isOwnConfig(each));
    const isSet = name === 'partitions' || kept.some((each) => typeof each === 'object');
    return isSet ? sorted(kept) : kept;
  }
  if (name === 'records' && typeof value === 'string') return wholeBatches(value);
  if (typeof value === 'string') return wellKnown(value, world);
  if (typeof value !== 'object' || value === null) return value;
  if (isStruct(value) && PLACES.has(String(value['name']))) return { name: value['name'] ?? null };
  return Object.fromEntries(Object.entries(value).map(([each, held]) => [each, alike(held, each, world)]));
}

/** A topic may be spoken of in one place or in several. */
function merged(list: readonly Json[]): readonly Json[] {
  const byTopic = new Map<string, Json>();
  for (const each of list) {
    const partitions = isStruct(each) ? each['partitions'] : undefined;
    if (!isStruct(each) || partitions === undefined || !isList(partitions)) return list;
    const { partitions: _, ...rest } = each;
    const before = byTopic.get(JSON.stringify(rest));
    const former = isStruct(before ?? null) ? (before as { partitions: readonly Json[] }).partitions : [];
    byTopic.set(JSON.stringify(rest), { ...rest, partitions: [...former, ...partitions] });
  }
  return [...byTopic.values()];
}

/** Groups and transactional ids that one request made and others see. */
function isUnique(value: Json): boolean {
  return isStruct(value) && /^joined-/.test(String(value['groupId'] ?? value['transactionalId']));
}

function isOwnConfig(value: Json): boolean {
  return isStruct(value) && OWN_CONFIGS.has(String(value['name']));
}

/** Kafka fills up what it has converted for old clients with the beginning of a batch that never comes. */
function wholeBatches(hex: string): string {
  const records = Buffer.from(hex, 'hex');
  let at = 0;
  while (at + 12 <= records.length && at + 12 + records.readInt32BE(at + 8) <= records.length) {
    at += 12 + records.readInt32BE(at + 8);
  }
  return hex.slice(0, at * 2);
}

/** APIs that ours does not announce; which those are is another test's business. */
function isUnserved(value: Json): boolean {
  if (!isStruct(value) || !('maxVersion' in value)) return false;
  return !HANDLERS.has(Number(value['apiKey']));
}

function wellKnown(value: string, { memberId }: World): string {
  return value === memberId ? 'the member' : value;
}

/** Ids that requests speak of are told by their topics, all others are as good as each other. */
function topicOf(id: string, { topicIds }: World): string {
  for (const [name, known] of topicIds) if (id === known) return `the id of ${name}`;
  const [first] = Buffer.from(id, 'base64url');
  return Buffer.from(id, 'base64url').every((byte) => byte === first) ? id : '…';
}

function sorted(list: readonly Json[]): Json {
  return list
    .map((each) => [`${identityOf(each)} ${JSON.stringify(each)}`, each] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, each]) => each);
}

/** By what an element is told from its neighbours. */
function identityOf(value: Json): string {
  if (!isStruct(value)) return '';
  return IDENTITIES.map((name) => JSON.stringify(value[name] ?? null)).join(' ');
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function collect(ours: Json, kafkas: Json, at: string, found: Difference[]): void {
  if (isList(ours) && isList(kafkas)) {
    if (ours.length !== kafkas.length)
      found.push({ at: `${at}.length`, ours: short(ours), kafkas: short(kafkas) });
    else for (const [index, each] of ours.entries()) collect(each, kafkas[index] ?? null, at, found);
    return;
  }
  if (isStruct(ours) && isStruct(kafkas)) {
    for (const name of new Set([...Object.keys(ours), ...Object.keys(kafkas)])) {
      collect(ours[name] ?? null, kafkas[name] ?? null, at === '' ? name : `${at}.${name}`, found);
    }
    return;
  }
  if (ours !== kafkas) found.push({ at, ours: short(ours), kafkas: short(kafkas) });
}

function isStruct(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
