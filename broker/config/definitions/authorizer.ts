/**
 * What Kafka's AclAuthorizer goes by. It reads these for itself, so that they are no configs of a broker and
 * not shown until they are set. Source: kafka.security.authorizer.AclAuthorizer.
 */
import { boolean, text, undefinedUntilSet } from '../property.ts';

export const AUTHORIZER_CONFIGS = {
  'super.users': undefinedUntilSet(
    text('', 'read-only', 'Who may do everything, separated by semicolons: User:alice;User:bob.'),
  ),
  'allow.everyone.if.no.acl.found': undefinedUntilSet(
    boolean('false', 'read-only', 'Whether everybody may use what no access rule is about.'),
  ),
};
