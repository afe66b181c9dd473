/** `odradek groups --list`: all groups of all brokers. */
import { ErrorCode } from '../../../broker/errors.ts';
import { ListGroups } from '../../../broker/protocol/messages/16-list-groups.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { print, printAll, printable } from '../output.ts';
import { tableLines } from '../table.ts';

interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
}

const STATES = [
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
  'Empty',
  'Assigning',
  'Reconciling',
];
const TYPES = ['Classic', 'Consumer'];
const LEAST_WIDTHS = [25, 20];

export async function listGroups(admin: AdminClient, given: Arguments): Promise<number> {
  const states = chosen('state', given.text('state'), STATES);
  const groups = await listedGroups(admin, states, chosen('type', given.text('type'), TYPES));
  const [withType, withState] = [given.flag('type'), given.flag('state')];
  if (given.flag('json')) {
    const shown = groups.map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocolType,
      ...(withType ? { type: groupType } : {}),
      ...(withState ? { state: groupState } : {}),
    }));
    await print(JSON.stringify(shown));
  } else if (withType || withState) {
    const cells = (group: string, type: string, state: string): string[] => [
      group,
      ...(withType ? [type] : []),
      ...(withState ? [state] : []),
    ];
    const rows = groups.map(({ groupId, groupType, groupState }) =>
      cells(groupId, capitalised(groupType), groupState),
    );
    await printAll(tableLines(cells('GROUP', 'TYPE', 'STATE'), rows, LEAST_WIDTHS));
  } else for (const { groupId } of groups) await print(printable(groupId));
  return 0;
}

/** The groups in these states and of these types (empty: in all), sorted. */
export async function listedGroups(
  admin: AdminClient,
  states: readonly string[],
  types: readonly string[],
): Promise<ListedGroup[]> {
  const metadata = await admin.metadata([]);
  const found = new Map<string, ListedGroup>();
  for (const { nodeId } of metadata.brokers) {
    const request = { statesFilter: [...states], typesFilter: [...types] };
    const answer = await admin.askBroker(nodeId, metadata, ListGroups, request);
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`broker ${nodeId}: ${reasonOf(answer)}`);
    for (const group of answer.groups) found.set(group.groupId, group);
  }
  return [...found.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

/** The protocol's `classic` is shown as Kafka's tool does. */
function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Of a comma-separated list, whatever its case. */
function chosen(option: string, list: string | null, known: readonly string[]): string[] {
  const words = (list ?? '').split(',').map((word) => word.trim());
  return words
    .filter((word) => word !== '')
    .map((word) => {
      const found = known.find((each) => each.toLowerCase() === word.toLowerCase());
      if (found === undefined) throw new UsageError(`--${option} takes ${known.join(', ')}, not '${word}'`);
      return found;
    });
}
