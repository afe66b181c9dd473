/**
 * DescribeAcls (29), versions 0-3: there is no authorizer, so there are no ACLs to describe, and Kafka
 * says so with SECURITY_DISABLED rather than with an empty list.
 * Source: AclApis.handleDescribeAcls.
 */
import { DescribeAcls } from '../protocol/messages/29-describe-acls.ts';
import { defineHandler } from './handler.ts';
import { NO_AUTHORIZER, namesUnknownAcl } from './shared/no-authorizer.ts';

export const describeAcls = defineHandler(DescribeAcls, [], {
  handle: (request) => (namesUnknownAcl(request) ? 'close' : NO_AUTHORIZER),
  refuse: (_request, errorCode) => ({ errorCode, errorMessage: null }),
});
