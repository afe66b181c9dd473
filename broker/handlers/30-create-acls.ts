/**
 * CreateAcls (30), versions 0-3: adds access rules, on whichever broker is asked. v0 knows literal patterns
 * only. A rule that is there already is as good as added.
 * Source: AclApis.handleCreateAcls.
 */

import { ErrorCode, failure, type Outcome } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { CreateAcls } from '../protocol/messages/30-create-acls.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { type AclBinding, ANY, CLUSTER_RESOURCE_TYPE, PatternType } from '../security/acl.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler, type Refusing } from './handler.ts';
import { NO_AUTHORIZER_TO_CHANGE, namesUnknownAcl } from './shared/acl-requests.ts';
import { refuseEach } from './shared/refusals.ts';

type Request = RequestOf<typeof CreateAcls>;
type Response = ResponseInput<typeof CreateAcls>;
type Creation = Request['creations'][number];

export const createAcls = defineHandler(CreateAcls, ['acls'], {
  async handle(request, context, { acls }) {
    const { creations } = request;
    if (creations.some(namesUnknownAcl)) return 'close';
    if (!context.may(Operation.ALTER, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    if (acls === null) return { results: await context.turns.each(creations, () => NO_AUTHORIZER_TO_CHANGE) };
    // Kafka can't even put these into words: the request fails as a whole.
    if (creations.some(isOfFilters)) return refuse(request, ErrorCode.UNKNOWN_SERVER_ERROR, context);
    const refusals = await context.turns.each(creations, refusalOf);
    const wanted = await context.turns.take(bindingsOf(creations, refusals));
    const outcomes = (await acls.create(wanted, context.turns)).values();
    const results = await context.turns.each(refusals, (refusal) =>
      resultOf(refusal ?? outcomes.next().value),
    );
    return { results };
  },
  refuse,
});

function refuse(
  { creations }: Request,
  errorCode: ErrorCode,
  context: Refusing,
): Response | Promise<Response> {
  const one = { errorCode, errorMessage: errorText(errorCode) };
  return refuseEach(
    creations,
    context,
    () => one,
    (results) => ({ results }),
  );
}

/** Whether it says "any", as filters do. */
function isOfFilters({ resourceType, resourcePatternType, operation, permissionType }: Creation): boolean {
  return (
    resourcePatternType === PatternType.MATCH ||
    [resourceType, resourcePatternType, operation, permissionType].includes(ANY)
  );
}

function refusalOf({ resourceType, resourceName }: Creation): Outcome<void> | null {
  if (resourceType === CLUSTER_RESOURCE_TYPE && resourceName !== CLUSTER.name) {
    const complaint = `The only valid name for the CLUSTER resource is ${CLUSTER.name}`;
    return failure(ErrorCode.INVALID_REQUEST, complaint);
  }
  return resourceName === '' ? failure(ErrorCode.INVALID_REQUEST, 'Invalid empty resource name') : null;
}

/** Of those that are not refused. */
function* bindingsOf(
  creations: readonly Creation[],
  refusals: readonly (Outcome<void> | null)[],
): Steps<readonly AclBinding[]> {
  const bindings: AclBinding[] = [];
  for (const [index, creation] of creations.entries()) {
    if (refusals[index] === null) bindings.push(bindingOf(creation));
    yield;
  }
  return bindings;
}

function bindingOf(creation: Creation): AclBinding {
  const { resourceType, resourceName, resourcePatternType, permissionType, ...acl } = creation;
  return {
    ...acl,
    resourceType,
    name: resourceName,
    patternType: resourcePatternType,
    permission: permissionType,
  };
}

function resultOf(outcome: Outcome<void> | undefined) {
  if (outcome === undefined || outcome.ok) return { errorCode: ErrorCode.NONE, errorMessage: '' };
  return { errorCode: outcome.error, errorMessage: outcome.message ?? null };
}
