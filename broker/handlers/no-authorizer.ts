/** What the ACL requests are answered by a broker without authorizer.class.name. */
import { ErrorCode } from '../protocol/errors.ts';

export const NO_AUTHORIZER = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured on the broker',
} as const;

/** Where ACLs are to be changed, Kafka says it in other words. */
export const NO_AUTHORIZER_TO_CHANGE = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured.',
} as const;
