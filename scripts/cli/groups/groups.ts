/** `odradek groups`: what Kafka's kafka-consumer-groups does, with its flags. */
import { adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, optionNames, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { deleteGroups, deleteOffsets } from './delete-groups.ts';
import { describeGroups } from './describe-groups.ts';
import { listedGroups, listGroups } from './list-groups.ts';
import { resetOffsets } from './reset-offsets.ts';
import { RULES, ruleOf } from './reset-rule.ts';

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const;
const RESET = ['reset-offsets'];
const OF_TOPICS = ['reset-offsets', 'delete-offsets'];
const VIEWS = ['members', 'offsets', 'state'];

export const groupsCommand: CommandSpec = {
  name: 'groups',
  summary: 'Lists, describes and deletes consumer groups, and moves or deletes their offsets.',
  options: [
    ...clientOptions,
    { name: 'list', help: 'all groups' },
    { name: 'describe', help: 'committed offsets and lag of a group, its members or its state' },
    { name: 'delete', help: 'remove groups that have no members' },
    { name: 'reset-offsets', help: 'what the offsets would be (see below), or with --execute make them so' },
    { name: 'delete-offsets', help: 'forget what a group committed for topics that it does not read' },
    { name: 'group', value: 'ID', repeats: true, help: 'the group; may be repeated' },
    { name: 'all-groups', help: 'every group', with: ['describe', 'delete', 'reset-offsets'] },
    {
      name: 'state',
      value: 'STATE,…',
      optionalValue: true,
      help: 'describe: coordinator and state; list: state of each, or only groups in these states',
      with: ['list', 'describe'],
    },
    {
      name: 'type',
      value: 'TYPE,…',
      optionalValue: true,
      help: 'type of each, or only groups of these types: classic, consumer',
      with: ['list'],
    },
    { name: 'members', help: 'who is in the group', with: ['describe'] },
    { name: 'offsets', help: 'committed offsets and lag (the default)', with: ['describe'] },
    { name: 'verbose', help: 'members: what is assigned to each, too', with: ['members'] },
    {
      name: 'topic',
      value: 'NAME[:N,…]',
      repeats: true,
      help: 'the topic, or some partitions of it; may be repeated',
      with: OF_TOPICS,
    },
    { name: 'all-topics', help: 'every topic that the group has committed offsets of', with: RESET },
    ...RULES.map((rule) => ({ ...rule, with: RESET })),
    { name: 'dry-run', help: 'only show (the default)', with: RESET },
    { name: 'execute', help: 'do it', with: RESET },
    { name: 'export', help: 'the new offsets as CSV, for --from-file', with: RESET },
    {
      name: 'timeout',
      value: 'MS',
      kind: 'integer',
      min: 0,
      help: 'how long to wait for a cluster that is changing (20000 unless given)',
    },
    { ...jsonOption, with: ['list', 'describe', 'reset-offsets'] },
  ],
  notes:
    'Offsets can only be reset while nobody is in the group. New ones beyond the log are moved to its nearer end.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'groups', ACTIONS);
  checkGroups(given, action);
  const views = VIEWS.filter((view) => given.flag(view));
  if (action === 'describe' && views.length > 1)
    throw new UsageError(`groups --describe takes at most one of ${optionNames(VIEWS)}`);
  if (action === 'delete-offsets') given.needText('topic');
  const rule = action === 'reset-offsets' ? ruleOf(given) : null;
  const admin = await adminClient(
    given,
    given.flag('timeout') ? { patienceMs: given.needInteger('timeout') } : {},
  );
  try {
    if (action === 'list') return await listGroups(admin, given);
    const groupIds = given.flag('all-groups')
      ? (await listedGroups(admin, [], [])).map(({ groupId }) => groupId)
      : [...new Set(given.all('group'))];
    if (action === 'delete') return await deleteGroups(admin, groupIds);
    if (action === 'delete-offsets') return await deleteOffsets(admin, given.needText('group'), given);
    if (rule !== null) return await resetOffsets(admin, groupIds, { rule, given });
    return await describeGroups(admin, groupIds, given);
  } finally {
    admin.close();
  }
}

function checkGroups(given: Arguments, action: (typeof ACTIONS)[number]): void {
  if (action === 'list') {
    if (given.flag('group')) throw new UsageError('--group does not go with --list');
    return;
  }
  if (given.flag('group') === given.flag('all-groups'))
    throw new UsageError(
      action === 'delete-offsets'
        ? '--group is required'
        : `groups --${action} takes --group or --all-groups`,
    );
  if (action === 'delete-offsets' && given.all('group').length > 1)
    throw new UsageError('groups --delete-offsets takes one --group');
}
