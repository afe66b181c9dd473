/** Who may do what. */
import { allowEverything } from '../security/authorizer.ts';
import type { Ground, Parts } from './parts.ts';

/** Without authorizer.class.name everything is allowed, and there are no rules. Rejects when they can't be read. */
export async function makeSecurity(
  ground: Ground,
  parts: Pick<Parts, 'config'>,
): Promise<Pick<Parts, 'authorizer' | 'aclFeed' | 'acls'>> {
  if (parts.config.authorizerClassName.trim() === '') {
    return { authorizer: allowEverything, aclFeed: null, acls: null };
  }
  const { makeAcls } = await import('./make-acls.ts');
  return makeAcls(ground, parts);
}
