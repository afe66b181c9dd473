/** `odradek events`: what has happened to the cluster, as its brokers have recorded it, and what is happening. */
import { EVENT_KINDS } from '../../../broker/platform/event-lines.ts';
import { type AdminClient, adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, type OptionSpec, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { jsonLine } from '../json-line.ts';
import { print, watchReader } from '../output.ts';
import { partitionName } from '../partitions.ts';
import { eventLine, gapLine, partitionOption } from './event-text.ts';
import { followEvents } from './follow-events.ts';
import { givenEndpoints, type JournalEndpoint, journalName, livingEndpoints } from './peer-endpoints.ts';
import { byTime, type EventsAsked, type Told, wholeJournal } from './read-events.ts';

export const peersOption: OptionSpec = {
  name: 'peers',
  value: 'HOST:PORT,…',
  help: 'peer listeners to read from, instead of asking the brokers for theirs',
};

export const eventsCommand: CommandSpec = {
  name: 'events',
  summary: "Prints what the brokers' journals have, of all brokers in one stream.",
  options: [
    ...clientOptions,
    peersOption,
    { name: 'follow', help: 'go on with what is yet to come, until Ctrl-C' },
    { name: 'broker', value: 'N', kind: 'integer', min: 0, help: 'only what this broker has recorded' },
    { name: 'partition', value: 'TOPIC-N', help: 'only what is about this partition' },
    { name: 'kind', value: 'KIND,…', help: 'only these kinds of events' },
    { name: 'details', help: 'with --json: what an event sums up, partition by partition', with: ['json'] },
    jsonOption,
  ],
  notes:
    'Each line: time (UTC), BROKER/ID, what it follows from, the kind, and what has happened. A broker keeps\nits journal through restarts, as far as journal.max.bytes reaches.',
  run,
};

/** Reads from the brokers that are to be asked; the problems of single ones are said, and the rest is read. */
export async function withJournals<Result>(
  given: Arguments,
  read: (endpoints: () => Promise<readonly JournalEndpoint[]>, admin: AdminClient) => Promise<Result>,
): Promise<Result> {
  const peers = given.text('peers');
  const admin = await adminClient(given);
  const said = new Set<string>();
  const problem = (text: string): void => {
    if (!said.has(text)) process.stderr.write(`${text}\n`);
    said.add(text);
  };
  try {
    if (peers === null) return await read(() => livingEndpoints(admin, problem), admin);
    const endpoints = givenEndpoints(peers);
    return await read(() => Promise.resolve(endpoints), admin);
  } finally {
    admin.close();
  }
}

/** Refuses a partition that the cluster hasn't, unless events tell that it had. */
export async function checkPartition(
  admin: AdminClient,
  partition: { readonly topic: string; readonly partition: number } | null,
  isTold: boolean,
): Promise<void> {
  if (partition === null || isTold) return;
  const { topics } = await admin.metadata([partition.topic]);
  const isThere = topics.some(({ partitions }) =>
    partitions.some(({ partitionIndex }) => partitionIndex === partition.partition),
  );
  if (!isThere)
    throw new UsageError(`there is no partition ${partitionName(partition)}, and no event tells of it`);
}

async function run(given: Arguments): Promise<number> {
  const partitionText = given.text('partition');
  const partition = partitionText === null ? null : partitionOption(partitionText);
  const kinds = (given.text('kind') ?? '').split(',').filter((kind) => kind !== '');
  const unknown = kinds.find((kind) => !(EVENT_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined) throw new UsageError(`--kind takes ${EVENT_KINDS.join(', ')}, not '${unknown}'`);
  const asked: EventsAsked = { kinds, partition: partitionText, details: given.flag('details') };
  const only = given.integer('broker');
  const isAsked = ({ brokerId }: JournalEndpoint): boolean =>
    only === null || brokerId === null || brokerId === only;
  return withJournals(given, async (endpoints, admin) => {
    const chosen = async (): Promise<JournalEndpoint[]> => (await endpoints()).filter(isAsked);
    const living = await chosen();
    if (living.length === 0) throw new UsageError(nobody(only));
    const lastIds = new Map<string, number>();
    const told = await history(living, asked, lastIds);
    if (!given.flag('peers'))
      await checkPartition(
        admin,
        partition,
        told.some(([, { what }]) => what === 'event'),
      );
    for (const [endpoint, one] of told) await print(textOf(endpoint, one, given.flag('json')));
    if (!given.flag('follow')) return 0;
    watchReader();
    const tell = (endpoint: JournalEndpoint, one: Told): Promise<void> =>
      print(textOf(endpoint, one, given.flag('json')));
    const note = (text: string): void => void process.stderr.write(`${text}\n`);
    return followEvents({ endpoints: chosen, asked, lastIds, tell, note });
  });
}

function nobody(only: number | null): string {
  return only === null
    ? 'no broker says where its journal is read; --peers names peer listeners'
    : `there is no broker ${only} to be asked; 'odradek explain --files' reads the journal of one that is gone`;
}

/** All that there is, by time; a gap stands before what comes after it. Notes the last id of each journal. */
async function history(
  endpoints: readonly JournalEndpoint[],
  asked: EventsAsked,
  lastIds: Map<string, number>,
): Promise<(readonly [JournalEndpoint, Told])[]> {
  const journals = await Promise.all(
    endpoints.map(async (endpoint) => {
      const told = await wholeJournal(endpoint, asked);
      const last = told.findLast((one) => one.what === 'event');
      lastIds.set(journalName(endpoint), last?.what === 'event' ? last.recorded.id : 0);
      return told.map((one) => [endpoint, one] as const);
    }),
  );
  const gaps = journals.flat().filter(([, { what }]) => what === 'gap');
  const events = journals.flat().filter(([, { what }]) => what === 'event');
  events.sort(([, a], [, b]) =>
    a.what === 'event' && b.what === 'event' ? byTime(a.recorded, b.recorded) : 0,
  );
  return [...gaps, ...events];
}

function textOf({ brokerId }: JournalEndpoint, told: Told, json: boolean): string {
  if (told.what === 'event') return json ? jsonLine(told.recorded) : eventLine(told.recorded);
  return json ? jsonLine({ brokerId, gap: told.gap }) : gapLine(brokerId, told.gap);
}
