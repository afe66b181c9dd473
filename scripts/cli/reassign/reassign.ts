/** `odradek reassign`: what Kafka's kafka-reassign-partitions does, with its flags and its JSON. */
import { adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, type OptionSpec, oneAction } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { cancel, list } from './cancel.ts';
import { execute } from './execute.ts';
import { generate } from './generate.ts';
import { verify } from './verify.ts';

const ACTIONS = ['generate', 'execute', 'verify', 'cancel', 'list'] as const;
const NONE = -1;

const throttle: Omit<OptionSpec, 'name' | 'help'> = {
  value: 'B/s',
  kind: 'integer',
  min: NONE,
  with: ['execute'],
};

export const reassignCommand: CommandSpec = {
  name: 'reassign',
  summary: 'Moves partitions to other brokers, and replicas to other directories of theirs.',
  options: [
    ...clientOptions,
    {
      name: 'generate',
      help: 'propose where topics could be on the brokers of --broker-list; changes nothing',
    },
    { name: 'execute', help: 'begin what --reassignment-json-file says' },
    { name: 'verify', help: 'how far that is; takes throttles away when it is done' },
    { name: 'cancel', help: 'end what is under way of it, with partitions where they were' },
    { name: 'list', help: 'all that is under way' },
    {
      name: 'reassignment-json-file',
      value: 'PATH',
      help: 'the plan; --generate prints one',
      with: ['execute', 'verify', 'cancel'],
    },
    {
      name: 'topics-to-move-json-file',
      value: 'PATH',
      help: '{"topics": [{"topic": "t"}], "version": 1}',
      with: ['generate'],
    },
    { name: 'broker-list', value: 'ID,…', help: 'where to', with: ['generate'] },
    { name: 'disable-rack-aware', help: 'do not look at racks', with: ['generate'] },
    { name: 'throttle', ...throttle, help: 'no more between brokers, for what moves' },
    { name: 'replica-alter-log-dirs-throttle', ...throttle, help: 'no more between directories of a broker' },
    { name: 'additional', help: 'though other reassignments are under way', with: ['execute'] },
    { name: 'preserve-throttles', help: 'leave throttles as they are', with: ['verify', 'cancel'] },
    {
      name: 'timeout',
      value: 'MS',
      kind: 'integer',
      min: 0,
      fallback: '10000',
      help: 'how long to wait for replicas to appear that are to move between directories',
    },
    { ...jsonOption, with: ['list'] },
  ],
  notes:
    'A plan: {"version": 1, "partitions": [{"topic": "t", "partition": 0, "replicas": [1, 2], "log_dirs": ["any", "/data/2"]}]}\nRun --verify until all is completed: only that removes throttles.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'reassign', ACTIONS);
  if (action === 'generate') {
    given.needText('topics-to-move-json-file');
    given.needText('broker-list');
  } else if (action !== 'list') given.needText('reassignment-json-file');
  const admin = await adminClient(given);
  try {
    return await { generate, execute, verify, cancel, list }[action](admin, given);
  } finally {
    admin.close();
  }
}
