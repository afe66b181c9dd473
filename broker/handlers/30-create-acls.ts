/**
 * CreateAcls (30), versions 0-3: without an authorizer every creation is answered SECURITY_DISABLED.
 * Source: AclApis.handleCreateAcls.
 */
import { CreateAcls } from '../protocol/messages/30-create-acls.ts';
import { defineHandler } from './handler.ts';
import { NO_AUTHORIZER_TO_CHANGE, namesUnknownAcl } from './shared/no-authorizer.ts';

export const createAcls = defineHandler(CreateAcls, [], {
  handle: ({ creations }) =>
    creations.some(namesUnknownAcl) ? 'close' : { results: creations.map(() => NO_AUTHORIZER_TO_CHANGE) },
  refuse: ({ creations }, errorCode) => ({
    results: creations.map(() => ({ errorCode, errorMessage: null })),
  }),
});
