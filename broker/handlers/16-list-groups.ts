/**
 * ListGroups (16), versions 0-5: the groups that this broker coordinates. v4+ filters by state, v5+ by type;
 * all our groups are of the classic type.
 * Source: KafkaApis.handleListGroupsRequest.
 */
import { NameSet } from '../bounded-name.ts';
import type { Steps } from '../platform/turns.ts';
import { ListGroups } from '../protocol/messages/16-list-groups.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, groupNamed, Operation } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';

const GROUP_TYPE = 'classic';

type Response = ResponseInput<typeof ListGroups>;

export const listGroups = defineHandler(ListGroups, ['groups'], {
  handle: (request, context, services) => context.turns.take(listed(request, context, services)),
  refuse: (_request, errorCode) => ({ errorCode, groups: [] }),
});

function* listed(
  request: RequestOf<typeof ListGroups>,
  context: RequestContext,
  { groups }: Needs<'groups'>,
): Steps<Response> {
  const states = yield* inLowerCase(request.statesFilter);
  const types = yield* inLowerCase(request.typesFilter);
  const seesAll = context.couldDo(Operation.DESCRIBE, CLUSTER);
  const shown: NonNullable<Response['groups']>[number][] = [];
  const listing = groups.listGroups();
  for (const { groupId, protocolType, state } of listing.groups) {
    yield;
    const isMeant =
      (states.size === 0 || states.has(state.toLowerCase())) &&
      (types.size === 0 || types.has(GROUP_TYPE)) &&
      (seesAll || context.couldDo(Operation.DESCRIBE, groupNamed(groupId)));
    if (isMeant) shown.push({ groupId, protocolType, groupState: state, groupType: GROUP_TYPE });
  }
  return { errorCode: listing.error, groups: shown };
}

function* inLowerCase(names: readonly string[]): Steps<ReadonlySet<string>> {
  const all = new NameSet();
  for (const name of names) {
    all.add(name.toLowerCase());
    yield;
  }
  return all;
}
