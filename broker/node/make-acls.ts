/** Access rules: read before anybody is served, and followed from then on. Loaded by brokers that have an authorizer. */
import type { AclResource, StoredAcl } from '../../coordinator-client/znodes/security-znodes.ts';
import { splitSuperUsers } from '../config/consistency.ts';
import { AclFeed } from '../metadata/acl-feed.ts';
import { aclOf, patternOf } from '../security/acl.ts';
import { AclAdmin } from '../security/acl-admin.ts';
import { AclAuthorizer } from '../security/acl-authorizer.ts';
import { AclSet } from '../security/acl-set.ts';
import type { Ground, Parts } from './parts.ts';

/** Rejects when the rules can't be read. */
export async function makeAcls(
  { platform, store, stops }: Ground,
  { config }: Pick<Parts, 'config'>,
): Promise<Pick<Parts, 'authorizer' | 'aclFeed' | 'acls'>> {
  const { clock, random } = platform;
  const diagnostics = platform.diagnostics.named('AclAuthorizer');
  const acls = new AclSet();
  const taking =
    (set: AclSet) =>
    (resource: AclResource, stored: readonly StoredAcl[]): void =>
      set.replace(patternOf(resource), stored.map(aclOf));
  const beside = () => {
    const anew = new AclSet();
    return { take: taking(anew), swap: () => acls.become(anew) };
  };
  const aclFeed = new AclFeed({ clock, diagnostics, onAcls: taking(acls), beside });
  await aclFeed.start(store());
  stops.push({ name: 'the feed of access rules', stop: () => aclFeed.stop() });
  const authorizer = new AclAuthorizer({
    acls,
    superUsers: new Set(splitSuperUsers(config.superUsers)),
    allowsUnruled: config.allowEveryoneIfNoAclFound,
    maxRemembered: config.authorizerCacheMaxResources,
  });
  const admin = new AclAdmin({
    store: () => store().acls,
    acls,
    written: (resource, stored) => aclFeed.take(resource, stored),
    clock,
    random,
    diagnostics,
  });
  return { authorizer, aclFeed, acls: admin };
}
