/**
 * DeleteAcls (31), versions 0-3: removes the access rules that filters mean, on whichever broker is asked, and
 * tells which these were. v0 knows literal patterns only.
 * Source: AclApis.handleDeleteAcls.
 */

import { ErrorCode } from '../errors.ts';
import { errorText } from '../protocol/error-texts.ts';
import { DeleteAcls } from '../protocol/messages/31-delete-acls.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { DeletedAcl } from '../security/acl-admin.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler, type Refusing } from './handler.ts';
import { filterOf, NO_AUTHORIZER_TO_CHANGE, namesUnknownAcl } from './shared/acl-requests.ts';
import { refuseEach } from './shared/refusals.ts';

type Request = RequestOf<typeof DeleteAcls>;
type Response = ResponseInput<typeof DeleteAcls>;

export const deleteAcls = defineHandler(DeleteAcls, ['acls'], {
  async handle(request, context, { acls }) {
    const { filters } = request;
    if (filters.some(namesUnknownAcl)) return 'close';
    if (!context.may(Operation.ALTER, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    if (acls === null) {
      return { filterResults: await context.turns.each(filters, () => NO_AUTHORIZER_TO_CHANGE) };
    }
    const wanted = await context.turns.each(filters, filterOf);
    const deleted = await acls.delete(wanted, context.turns);
    const filterResults = await context.turns.each(deleted, (matching) => ({
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      matchingAcls: matching.map(describe),
    }));
    return { filterResults };
  },
  refuse,
});

function refuse({ filters }: Request, errorCode: ErrorCode, context: Refusing): Response | Promise<Response> {
  const one = { errorCode, errorMessage: errorText(errorCode) };
  return refuseEach(
    filters,
    context,
    () => one,
    (filterResults) => ({ filterResults }),
  );
}

function describe({ binding, error }: DeletedAcl) {
  const { name, permission, ...codes } = binding;
  const errorMessage = error === ErrorCode.NONE ? null : errorText(error);
  return { errorCode: error, errorMessage, ...codes, resourceName: name, permissionType: permission };
}
