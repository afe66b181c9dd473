/** `odradek transactions`: what Kafka's kafka-transactions does, with its flags. */
import { type AdminClient, adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { abort, forceTerminate } from './abort-transaction.ts';
import { findHanging } from './find-hanging.ts';
import { describe, describeProducers, list } from './show-transactions.ts';

interface Verb {
  readonly options: readonly string[];
  readonly required: readonly string[];
  readonly run: (admin: AdminClient, given: Arguments) => Promise<number>;
}

const PARTITION = ['topic', 'partition'];
const PRODUCER = ['producer-id', 'producer-epoch', 'coordinator-epoch'];
const SHARED: ReadonlySet<string> = new Set(['bootstrap-server', 'command-config']);

const VERBS: Readonly<Record<string, Verb>> = {
  list: { options: ['duration-filter', 'json'], required: [], run: list },
  describe: { options: ['json'], required: ['transactional-id'], run: describe },
  'describe-producers': { options: ['broker-id', 'json'], required: PARTITION, run: describeProducers },
  'find-hanging': {
    options: ['broker-id', 'max-transaction-timeout', 'json', ...PARTITION],
    required: [],
    run: findHanging,
  },
  abort: { options: ['start-offset', ...PRODUCER], required: PARTITION, run: abort },
  'force-terminate': { options: [], required: ['transactional-id'], run: forceTerminate },
};

export const transactionsCommand: CommandSpec = {
  name: 'transactions',
  summary: 'Lists, describes and ends transactions, and finds those that hang.',
  words: Object.keys(VERBS).join('|'),
  options: [
    ...clientOptions,
    { name: 'transactional-id', value: 'ID', help: 'describe, force-terminate: whose transaction' },
    { name: 'topic', value: 'NAME', help: 'the topic of --partition' },
    { name: 'partition', value: 'N', kind: 'integer', help: 'a partition' },
    {
      name: 'broker-id',
      value: 'ID',
      kind: 'integer',
      help: 'describe-producers: ask this replica, not the leader; find-hanging: partitions that it leads',
    },
    {
      name: 'duration-filter',
      value: 'MS',
      kind: 'integer',
      min: -1,
      help: 'list: only those that last longer',
    },
    {
      name: 'max-transaction-timeout',
      value: 'MINUTES',
      kind: 'integer',
      fallback: '15',
      help: 'find-hanging: what lasts longer may hang',
    },
    {
      name: 'start-offset',
      value: 'OFFSET',
      kind: 'integer',
      help: 'abort: the transaction that began here',
    },
    { name: 'producer-id', value: 'ID', kind: 'integer', help: 'abort: instead of --start-offset' },
    { name: 'producer-epoch', value: 'N', kind: 'integer', max: 0x7fff, help: 'abort: with --producer-id' },
    { name: 'coordinator-epoch', value: 'N', kind: 'integer', min: -1, help: 'abort: with --producer-id' },
    jsonOption,
  ],
  notes:
    "abort writes a marker into one partition, past the coordinator: only for a transaction that hangs.\nforce-terminate has the coordinator end a producer's transaction, and fences the producer.",
  run,
};

async function run(given: Arguments): Promise<number> {
  const [name = '', ...more] = given.words;
  const verb = VERBS[name];
  if (verb === undefined || more.length > 0)
    throw new UsageError(
      `transactions takes one of ${Object.keys(VERBS).join(', ')}, not '${given.words.join(' ')}'`,
    );
  const allowed = new Set([...SHARED, ...verb.options, ...verb.required]);
  const wrong = given.sequence.find((option) => !allowed.has(option.name));
  if (wrong !== undefined) throw new UsageError(`--${wrong.name} does not go with ${name}`);
  for (const option of verb.required) given.needText(option);
  const admin = await adminClient(given);
  try {
    return await verb.run(admin, given);
  } finally {
    admin.close();
  }
}
