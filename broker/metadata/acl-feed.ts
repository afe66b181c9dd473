/**
 * Access rules as they stand in ZooKeeper. Whoever changes those of a resource leaves a notice, and every
 * broker reads them again. Source: kafka.security.authorizer.AclAuthorizer.
 */
import type { AclStore } from '../../coordinator-client/stores/acl-store.ts';
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import {
  ACL_PATTERN_TYPES,
  type AclResource,
  type StoredAcl,
} from '../../coordinator-client/znodes/security-znodes.ts';
import type { Unreadable } from '../../coordinator-client/znodes/znode-json.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import { NoticeFollower } from './notice-follower.ts';

/** The rules of a resource pattern, all of them; empty when there are none any more. */
type TakeAcls = (resource: AclResource, acls: readonly StoredAcl[]) => void;

/** All rules anew, beside those that are gone by until `swap`. */
interface RulesBeside {
  readonly take: TakeAcls;
  /** At once: these are the rules, and there are no others. */
  readonly swap: () => void;
}

interface AclFeedOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly onAcls: TakeAcls;
  /** When a session begins. */
  readonly beside: () => RulesBeside;
}

/** To ask for so many, and take them in, takes the event loop some milliseconds. */
const READ_TOGETHER = 200;

/** Follows one store at a time. While it is stopped the rules stay as they were last known. */
export class AclFeed {
  readonly #options: AclFeedOptions;
  readonly #followers: readonly NoticeFollower<AclResource>[];
  /**
   * What was taken while all is read, by {@link keyOf}: older rules may have been read of it. null while nothing is
   * read.
   */
  #overtaken: Map<string, AclResource> | null = null;
  /** Of the session that is followed; null while stopped. */
  #store: AclStore | null = null;

  constructor(options: AclFeedOptions) {
    this.#options = options;
    const { clock, diagnostics } = options;
    const reread = (resource: AclResource): Promise<void> => this.#reread(resource);
    this.#followers = ACL_PATTERN_TYPES.map(
      () => new NoticeFollower({ clock, diagnostics, what: 'ACL', keyOf, reread }),
    );
  }

  /**
   * Reads all rules and follows their changes. Rejects when a node can't be read: a rule that denies may be
   * among what it says. Until all are read those before are gone by: nobody is served by a mixture.
   */
  async start({ acls, coordinator }: ClusterStore): Promise<void> {
    this.stop();
    this.#store = acls;
    await acls.ensurePaths();
    for (const [index, pattern] of ACL_PATTERN_TYPES.entries()) {
      await this.#followers[index]?.watch(acls.changes[pattern], coordinator);
    }
    this.#overtaken = new Map();
    const rules = this.#options.beside();
    for (let toRead = await acls.resources(); toRead.length > 0; toRead = this.#newlyOvertaken()) {
      if (!(await this.#readInto(rules, acls, toRead))) return;
    }
    if (this.#store !== acls) return;
    this.#overtaken = null;
    rules.swap();
    for (const follower of this.#followers) follower.follow();
  }

  stop(): void {
    for (const follower of this.#followers) follower.stop();
    this.#store = null;
  }

  /** What the resource's rules are now, by the hand of whoever has just written them. */
  take(resource: AclResource, acls: readonly StoredAcl[]): void {
    this.#overtaken?.set(keyOf(resource), resource);
    this.#options.onAcls(resource, acls);
  }

  /** Some together, in turns. false: another session is followed. */
  async #readInto(rules: RulesBeside, acls: AclStore, resources: readonly AclResource[]): Promise<boolean> {
    for (let at = 0; at < resources.length; at += READ_TOGETHER) {
      const some = resources.slice(at, at + READ_TOGETHER);
      const found = await acls.readMany(some, fatal);
      if (this.#store !== acls) return false;
      for (const [index, resource] of some.entries()) rules.take(resource, found[index]?.acls ?? []);
    }
    return true;
  }

  #newlyOvertaken(): AclResource[] {
    const overtaken = [...(this.#overtaken?.values() ?? [])];
    this.#overtaken?.clear();
    return overtaken;
  }

  async #reread(resource: AclResource): Promise<void> {
    const store = this.#store;
    if (store === null) return;
    let unreadable = false;
    const { acls } = await store.read(resource, (error) => {
      unreadable = true;
      this.#options.diagnostics.error('The rules before stay: a changed ACL can’t be read', error);
    });
    if (!unreadable && this.#store === store) this.take(resource, acls);
  }
}

/** Of a start: no broker may serve by half of the rules. */
const fatal: Unreadable = (error) => {
  throw error;
};

function keyOf({ pattern, resourceType, name }: AclResource): string {
  return `${pattern}:${resourceType}:${name}`;
}
