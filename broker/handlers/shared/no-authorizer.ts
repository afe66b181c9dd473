/**
 * What the ACL requests are answered by a broker without authorizer.class.name.
 * Source: AclApis; normalizeAndValidate of the requests.
 */
import { ErrorCode } from '../../errors.ts';

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
