/**
 * What the ACL requests have in common: filters in the authorizer's words, what does not count as a request,
 * and what a broker without authorizer.class.name answers.
 * Source: AclApis; normalizeAndValidate of the requests.
 */
import { ErrorCode } from '../../errors.ts';
import type { AclFilter } from '../../security/acl-filter.ts';

/** Without an authorizer there are no rules to list, and Kafka says so rather than to answer with none. */
export const NO_AUTHORIZER = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured on the broker',
} as const;

/** Where ACLs are to be changed, Kafka says it in other words. */
export const NO_AUTHORIZER_TO_CHANGE = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured.',
} as const;

const UNKNOWN = 0;

/** The codes of an ACL, or of a filter of ACLs. */
interface AclCodes {
  readonly resourceType?: number;
  readonly resourceTypeFilter?: number;
  readonly resourcePatternType?: number;
  readonly patternTypeFilter?: number;
  readonly operation: number;
  readonly permissionType: number;
}

/** Whether any code is that of "unknown": such a request does not count as one that can be read. */
export function namesUnknownAcl(acl: AclCodes): boolean {
  return (
    (acl.resourceType ?? acl.resourceTypeFilter) === UNKNOWN ||
    (acl.resourcePatternType ?? acl.patternTypeFilter) === UNKNOWN ||
    acl.operation === UNKNOWN ||
    acl.permissionType === UNKNOWN
  );
}

/** Of a request that lists or removes. */
interface RequestedFilter {
  readonly resourceTypeFilter: number;
  readonly resourceNameFilter: string | null;
  readonly patternTypeFilter: number;
  readonly principalFilter: string | null;
  readonly hostFilter: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

export function filterOf(requested: RequestedFilter): AclFilter {
  return {
    resourceType: requested.resourceTypeFilter,
    name: requested.resourceNameFilter,
    patternType: requested.patternTypeFilter,
    principal: requested.principalFilter,
    host: requested.hostFilter,
    operation: requested.operation,
    permission: requested.permissionType,
  };
}
