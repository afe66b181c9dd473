/** Where access rules are changed: by any broker, or in ZooKeeper itself, before there is a broker that may. */
import { silent } from '../../../broker/platform/diagnostics.ts';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { DescribeAcls } from '../../../broker/protocol/messages/29-describe-acls.ts';
import { CreateAcls } from '../../../broker/protocol/messages/30-create-acls.ts';
import { DeleteAcls } from '../../../broker/protocol/messages/31-delete-acls.ts';
import { type AclBinding, ANY, aclOf, patternOf } from '../../../broker/security/acl.ts';
import { AclAdmin } from '../../../broker/security/acl-admin.ts';
import type { AclFilter } from '../../../broker/security/acl-filter.ts';
import { AclSet } from '../../../broker/security/acl-set.ts';
import type { ZookeeperAccess } from '../../../broker/security/zookeeper/zookeeper-access.ts';
import { AclStore } from '../../../coordinator-client/stores/acl-store.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import { openZookeeper } from '../zookeeper-client.ts';

export interface AclService {
  list(filter: AclFilter): Promise<readonly AclBinding[]>;
  /** Throws when one of them could not be added. */
  add(bindings: readonly AclBinding[]): Promise<void>;
  /** How many rules went. Throws when one of them could not be removed. */
  remove(filters: readonly AclFilter[]): Promise<number>;
  close(): Promise<void>;
}

/** A filter that means everything, to be narrowed down. */
export const EVERYTHING: AclFilter = {
  resourceType: ANY,
  name: null,
  patternType: ANY,
  principal: null,
  host: null,
  operation: ANY,
  permission: ANY,
};

/** The client is closed with it. */
export function brokersAcls(admin: AdminClient): AclService {
  return {
    async list(filter) {
      const answer = await admin.askAnyBroker(DescribeAcls, requestedFilter(filter));
      if (answer.errorCode !== 0) throw new Error(reasonOf(answer));
      return answer.resources.flatMap(({ resourceType, resourceName: name, patternType, acls }) =>
        acls.map(({ permissionType: permission, ...acl }) => ({
          resourceType,
          name,
          patternType,
          ...acl,
          permission,
        })),
      );
    },
    async add(bindings) {
      const creations = bindings.map(({ name, patternType, permission, ...acl }) => ({
        ...acl,
        resourceName: name,
        resourcePatternType: patternType,
        permissionType: permission,
      }));
      const { results } = await admin.askAnyBroker(CreateAcls, { creations });
      const failed = results.find(({ errorCode }) => errorCode !== 0);
      if (failed !== undefined) throw new Error(reasonOf(failed));
    },
    async remove(filters) {
      const request = { filters: filters.map(requestedFilter) };
      const { filterResults } = await admin.askAnyBroker(DeleteAcls, request);
      const matching = filterResults.flatMap(({ matchingAcls }) => matchingAcls);
      const failed = [...filterResults, ...matching].find(({ errorCode }) => errorCode !== 0);
      if (failed !== undefined) throw new Error(reasonOf(failed));
      return matching.length;
    },
    async close() {
      admin.close();
    },
  };
}

function requestedFilter({
  resourceType,
  name,
  patternType,
  principal,
  host,
  operation,
  permission,
}: AclFilter) {
  return {
    resourceTypeFilter: resourceType,
    resourceNameFilter: name,
    patternTypeFilter: patternType,
    principalFilter: principal,
    hostFilter: host,
    operation,
    permissionType: permission,
  };
}

/** Kafka's brokers and ours take up what is changed so, by the notice. */
export async function zookeeperAcls(connect: string, access: ZookeeperAccess): Promise<AclService> {
  const coordinator = await openZookeeper(connect, access);
  const store = new AclStore(coordinator);
  await store.ensurePaths();
  const acls = new AclSet();
  const resources = await store.resources();
  const stored = await store.readMany(resources, (error) => {
    throw error;
  });
  resources.forEach((resource, index) => {
    acls.replace(patternOf(resource), (stored[index]?.acls ?? []).map(aclOf));
  });
  const platform = systemPlatform();
  const turns = new Turns(platform.clock);
  const admin = new AclAdmin({
    store: () => store,
    acls,
    written: (resource, rules) => acls.replace(patternOf(resource), rules.map(aclOf)),
    ...platform,
    diagnostics: silent,
  });
  return {
    list: async (filter) => admin.list(filter),
    async add(bindings) {
      const failed = (await admin.create(bindings, turns)).find(({ ok }) => !ok);
      if (failed !== undefined && !failed.ok) {
        throw new Error(reasonOf({ errorCode: failed.error, errorMessage: failed.message ?? null }));
      }
    },
    async remove(filters) {
      const deleted = (await admin.delete(filters, turns)).flat();
      const failed = deleted.find(({ error }) => error !== 0);
      if (failed !== undefined) throw new Error(reasonOf({ errorCode: failed.error }));
      return deleted.length;
    },
    close: () => coordinator.close(),
  };
}
