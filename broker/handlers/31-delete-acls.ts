/**
 * DeleteAcls (31), versions 0-3: without an authorizer every filter is answered SECURITY_DISABLED.
 * Source: AclApis.handleDeleteAcls.
 */
import { DeleteAcls } from '../protocol/messages/31-delete-acls.ts';
import { defineHandler } from './handler.ts';
import { NO_AUTHORIZER_TO_CHANGE, namesUnknownAcl } from './shared/no-authorizer.ts';

export const deleteAcls = defineHandler(DeleteAcls, [], {
  handle: ({ filters }) =>
    filters.some(namesUnknownAcl) ? 'close' : { filterResults: filters.map(() => NO_AUTHORIZER_TO_CHANGE) },
  refuse: ({ filters }, errorCode) => ({
    filterResults: filters.map(() => ({ errorCode, errorMessage: null })),
  }),
});
