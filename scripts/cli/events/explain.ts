/** `odradek explain`: why a partition, a broker, the controller or an error came to be, as a story. */

import { partitionForKey } from '../../../broker/java-hash.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import type { TopicPartition } from '../../../broker/types.ts';
import type { AdminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from '../arguments.ts';
import { clientOptions } from '../bootstrap.ts';
import { print, printable } from '../output.ts';
import { partitionName } from '../partitions.ts';
import { Journals } from './causes.ts';
import { partitionOption, timeText } from './event-text.ts';
import { checkPartition, peersOption, withJournals } from './events.ts';
import { eventsOfFiles } from './journal-of-files.ts';
import {
  aboutBroker,
  aboutController,
  aboutCoordinated,
  aboutError,
  aboutPartition,
  COORDINATOR_TOPICS,
  type Coordinated,
  EXPLAINED_ERRORS,
} from './questions.ts';
import { wholeJournal } from './read-events.ts';
import { standingOf } from './standing.ts';
import { type Choice, storyOf } from './story.ts';

export const explainCommand: CommandSpec = {
  name: 'explain',
  summary:
    'Tells why something came to be, from the journals of all brokers: causes first, then what they led to.',
  options: [
    ...clientOptions,
    peersOption,
    {
      name: 'files',
      value: 'PATH,…',
      repeats: true,
      help: 'journals of brokers that are gone: their first log directories (or journal.dir), or files of these',
    },
    { name: 'only-files', help: 'ask no broker', with: ['files'] },
    { name: 'partition', value: 'TOPIC-N', help: 'who leads it, follows it and is in sync, and why' },
    { name: 'broker', value: 'N', kind: 'integer', min: 0, help: 'what became of a broker, and why' },
    { name: 'controller', help: 'who holds the office, and why' },
    { name: 'group', value: 'NAME', help: 'who coordinates a group, and why, and what became of the group' },
    { name: 'transactional-id', value: 'ID', help: 'the same of a transactional id' },
    { name: 'error', value: 'NAME', help: 'why clients were answered this error about --at' },
    {
      name: 'at',
      value: 'TIME',
      help: 'when: 2026-11-29T06:02:11Z, or milliseconds since 1970',
      with: ['error'],
    },
    {
      name: 'last',
      value: 'N',
      kind: 'integer',
      min: 1,
      help: 'tell so many events and what led to them, the newest',
      fallback: '100',
    },
  ],
  notes:
    'Takes one of --partition, --broker, --controller, --group, --transactional-id, --error; --partition goes with --error as well.\nTimes are UTC, by the clocks of the brokers, which may differ; the order is that of causes.',
  run,
};

const QUESTIONS = ['partition', 'broker', 'controller', 'error', 'group', 'transactional-id'] as const;

interface Question {
  readonly choice: Choice;
  readonly title: string;
  readonly partition: TopicPartition | null;
  /** What falls into the partition. */
  readonly coordinated?: Coordinated;
}

async function run(given: Arguments): Promise<number> {
  const coordinated = coordinatedOf(given);
  const asked = coordinated === null ? questionOf(given) : null;
  const paths = given.all('files').flatMap((list) => list.split(','));
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const kept = eventsOfFiles(paths, say);
  if (asked !== null && given.flag('only-files')) return tell(new Journals(kept), asked, given);
  return withJournals(given, async (endpoints, admin) => {
    const question = asked ?? (await coordinatedQuestion(coordinated, admin));
    const journals = new Journals([...kept, ...(await living(await endpoints(), say))]);
    if (!given.flag('peers'))
      await checkPartition(admin, question.partition, journals.events.some(question.choice));
    return tell(journals, question, given);
  });
}

function questionOf(given: Arguments): Question {
  const text = given.text('partition');
  const partition = text === null ? null : partitionOption(text);
  if (given.flag('error')) return errorQuestion(given, partition);
  const asked = oneAction(given, 'explain', QUESTIONS);
  if (asked === 'broker') {
    const broker = given.needInteger('broker');
    return { choice: aboutBroker(broker), title: `broker ${broker}`, partition: null };
  }
  if (partition === null) return { choice: aboutController(), title: 'the controller', partition: null };
  return { choice: aboutPartition(partition), title: `partition ${partitionName(partition)}`, partition };
}

function coordinatedOf(given: Arguments): Coordinated | null {
  const what = (['group', 'transactional-id'] as const).find((name) => given.flag(name));
  if (what === undefined) return null;
  oneAction(given, 'explain', QUESTIONS);
  for (const other of ['only-files', 'peers'])
    if (given.flag(other))
      throw new UsageError(
        `--${what} asks a broker which partition that falls into: leave --${other} out, or ask for --partition ${COORDINATOR_TOPICS[what]}-N`,
      );
  return { what, name: given.needText(what) };
}

async function coordinatedQuestion(coordinated: Coordinated | null, admin: AdminClient): Promise<Question> {
  if (coordinated === null) throw new Error('nothing is asked');
  const topic = COORDINATOR_TOPICS[coordinated.what];
  const { topics } = await admin.metadata([topic]);
  const count = topics[0]?.partitions.length ?? 0;
  const title = `the coordinator of ${wordsOf(coordinated)}`;
  if (count === 0) throw new Error(`nobody has a coordinator yet: there is no topic ${topic}`);
  const partition = { topic, partition: partitionForKey(coordinated.name, count) };
  return { choice: aboutCoordinated(coordinated, partition), title, partition, coordinated };
}

function wordsOf({ what, name }: Coordinated): string {
  return `${what === 'group' ? 'group' : 'transactional id'} ${name}`;
}

function errorQuestion(given: Arguments, partition: TopicPartition | null): Question {
  if (given.flag('broker') || given.flag('controller'))
    throw new UsageError(
      '--error goes with --at and --partition, and with neither --broker nor --controller',
    );
  const error = given.needText('error');
  if (!EXPLAINED_ERRORS.includes(error))
    throw new UsageError(`--error takes ${EXPLAINED_ERRORS.join(', ')}, not '${error}'`);
  const atMs = timeOf(given.needText('at'));
  const of = partition === null ? '' : ` for ${partitionName(partition)}`;
  const title = `what makes brokers answer ${error}${of}, about ${timeText(atMs)}`;
  return { choice: aboutError({ error, atMs, partition }), title, partition };
}

function timeOf(text: string): number {
  const isCalendar = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?$/.test(text);
  const calendar = isCalendar ? Date.parse(`${text.replace(' ', 'T').replace('Z', '')}Z`) : Number.NaN;
  const atMs = /^\d+$/.test(text) ? Number(text) : calendar;
  // What is beyond has no name in the calendar.
  if (!(Math.abs(atMs) <= 8.64e15))
    throw new UsageError(`--at takes 2026-11-29T06:02:11Z or milliseconds since 1970, not '${text}'`);
  return atMs;
}

/** Of those that can't be read it is said, and the story is told without them. */
async function living(
  endpoints: Awaited<ReturnType<Parameters<Parameters<typeof withJournals>[1]>[0]>>,
  say: (text: string) => void,
): Promise<Recorded[]> {
  const journals = await Promise.all(
    endpoints.map(async (endpoint) => {
      try {
        return await wholeJournal(endpoint, { details: true });
      } catch (error) {
        say(`${endpoint.url}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    }),
  );
  return journals.flat().flatMap((told) => (told.what === 'event' ? [told.recorded] : []));
}

async function tell(
  journals: Journals,
  { choice, title, partition, coordinated }: Question,
  given: Arguments,
): Promise<number> {
  const lines = storyOf(journals, choice, { focus: partition, most: given.needInteger('last') });
  const whose = journals.brokerIds.join(', ') || 'none';
  if (lines.length === 0) throw new Error(`the journals of brokers ${whose} tell nothing of ${title}`);
  await print(`The story of ${printable(title)}, by the journals of brokers ${whose}:`);
  for (const line of lines) await print(printable(line));
  if (coordinated !== undefined && partition !== null) {
    const falls = `${wordsOf(coordinated)} falls into ${partitionName(partition)}, whose leader coordinates it.`;
    await print(printable(`${falls[0]?.toUpperCase()}${falls.slice(1)}`));
  }
  const standing = partition === null ? null : standingOf(journals.events, partition);
  if (standing !== null) await print(printable(standing));
  return 0;
}
