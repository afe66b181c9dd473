/**
 * Access rules in the tree: one node a resource pattern, changed by compare-and-set together with the notice
 * that has every broker read it again. Source: kafka.zk.KafkaZkClient, kafka.zk.ZkAclStore.
 */
import type { Change, Coordinator } from '../coordinator.ts';
import {
  ACL_PATTERN_TYPES,
  ACL_RESOURCE_TYPES,
  type AclPatternType,
  type AclResource,
  aclChangeZnode,
  aclZnode,
  type StoredAcl,
} from '../znodes/security-znodes.ts';
import { readable, type Unreadable } from '../znodes/znode-json.ts';
import { ChangeNotices } from './change-notices.ts';
import { assertPassing, commitKnown, pipelined } from './commits.ts';
import { ensurePaths } from './paths.ts';

/** The rules of one resource pattern, with the version that a change of them has to name. */
interface VersionedAcls {
  readonly acls: readonly StoredAcl[];
  /** null: there is no such node. */
  readonly version: number | null;
}

export class AclStore {
  /** Of the rules of either kind of pattern. */
  readonly changes: Readonly<Record<AclPatternType, ChangeNotices<AclResource>>>;
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    const notices = (pattern: AclPatternType): ChangeNotices<AclResource> =>
      new ChangeNotices(coordinator, {
        parent: aclChangeZnode.parent(pattern),
        prefix: aclChangeZnode.prefix(pattern),
        decode: (path, data) => aclChangeZnode.decode(path, pattern, data),
      });
    this.changes = { LITERAL: notices('LITERAL'), PREFIXED: notices('PREFIXED') };
  }

  /** Makes the directories that rules and notices lie in. */
  ensurePaths(): Promise<void> {
    const paths = ACL_PATTERN_TYPES.flatMap((pattern) => [
      ...ACL_RESOURCE_TYPES.map((type) => aclZnode.typePath(pattern, type)),
      aclChangeZnode.parent(pattern),
    ]);
    return ensurePaths(this.#coordinator, paths);
  }

  /** Every resource pattern that has a node. */
  async resources(): Promise<AclResource[]> {
    const kinds = ACL_PATTERN_TYPES.flatMap((pattern) =>
      ACL_RESOURCE_TYPES.map((resourceType) => ({ pattern, resourceType })),
    );
    const found = await pipelined(kinds, async ({ pattern, resourceType }) => {
      const names = (await this.#coordinator.children(aclZnode.typePath(pattern, resourceType))) ?? [];
      return names.map((name): AclResource => ({ pattern, resourceType, name }));
    });
    return found.flat();
  }

  /** The rules of a pattern; none when nobody can read them and `unreadable` is told. */
  async read(resource: AclResource, unreadable?: Unreadable): Promise<VersionedAcls> {
    const path = pathOf(resource);
    const node = await this.#coordinator.read(path);
    if (node === null) return { acls: [], version: null };
    const acls = readable(() => aclZnode.decode(path, node.data), unreadable) ?? [];
    return { acls, version: node.version };
  }

  /** In the order asked. */
  readMany(resources: readonly AclResource[], unreadable: Unreadable): Promise<VersionedAcls[]> {
    return pipelined(resources, (resource) => this.read(resource, unreadable));
  }

  /**
   * Replaces the rules of a pattern that were read at `version`, and leaves the notice. Without any rule the
   * node goes. false: somebody else was faster.
   */
  async replace(resource: AclResource, version: number | null, acls: readonly StoredAcl[]): Promise<boolean> {
    const path = pathOf(resource);
    for (;;) {
      const answer = await commitKnown(this.#coordinator, [
        writeOf(path, version, acls),
        {
          op: 'create',
          path: aclChangeZnode.prefix(resource.pattern),
          data: aclChangeZnode.encode(resource),
          lifetime: 'persistent',
          sequential: true,
        },
      ]);
      if (answer.ok) return true;
      assertPassing(answer, ['version', 'exists', 'missing'], `write ${path}`);
      // A put or remove that misses its node was overtaken by somebody who removed it.
      if (answer.reason !== 'missing' || (answer.index === 0 && version !== null)) return false;
      await this.ensurePaths();
    }
  }
}

function writeOf(path: string, version: number | null, acls: readonly StoredAcl[]): Change {
  if (version === null) return { op: 'create', path, data: aclZnode.encode(acls), lifetime: 'persistent' };
  if (acls.length === 0) return { op: 'remove', path, version };
  return { op: 'put', path, data: aclZnode.encode(acls), version };
}

function pathOf({ pattern, resourceType, name }: AclResource): string {
  return aclZnode.path(pattern, resourceType, name);
}
