/** The rights of one sender, as access rules that both brokers of a pair are given. */
import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { CreateAcls } from '../../../broker/protocol/messages/30-create-acls.ts';
import { DeleteAcls } from '../../../broker/protocol/messages/31-delete-acls.ts';
import type { RequestInput } from '../../../broker/protocol/schema.ts';
import { ALL_OPERATIONS, ANY, PatternType, Permission } from '../../../broker/security/acl.ts';
import { Operation } from '../../../broker/security/operations.ts';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import { AclStore } from '../../../coordinator-client/stores/acl-store.ts';
import { zookeeperSource } from '../../../coordinator-client/zookeeper/zookeeper.ts';

const { READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION } = Operation;
const { DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE } = Operation;

/** Whose rights are tried, by the address it comes from; everybody is ANONYMOUS. */
export const TRIED = '127.0.0.2';
/** May do everything: the brokers themselves, and whoever sets the stage. */
const TRUSTED = '127.0.0.1';
const TIMEOUT_MS = 10_000;
const EVERYBODY = 'User:ANONYMOUS';

/** What can be granted or denied on its own, and how it is called in what is printed. */
interface Cell {
  readonly name: string;
  readonly resourceType: number;
  readonly operation: number;
}

/** Types of resources by their codes, with what can be done to them. */
const OPERATIONS: Readonly<Record<string, readonly [number, readonly number[]]>> = {
  Topic: [2, [READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  Group: [3, [READ, DELETE, DESCRIBE]],
  Cluster: [4, [CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE]],
  TransactionalId: [5, [WRITE, DESCRIBE]],
};

export const CELLS: readonly Cell[] = Object.entries(OPERATIONS).flatMap(
  ([type, [resourceType, operations]]) =>
    operations.map((operation) => ({
      name: `${type}:${Object.entries(Operation).find(([, code]) => code === operation)?.[0]}`,
      resourceType,
      operation,
    })),
);

/** A rule for {@link TRIED} about all resources of a type. */
export interface Rule {
  readonly resourceType: number;
  readonly operation: number;
  readonly permissionType: number;
}

/** Everything. */
export const ALL_RIGHTS: readonly Rule[] = Object.values(OPERATIONS).map(([resourceType]) => ({
  resourceType,
  operation: ALL_OPERATIONS,
  permissionType: Permission.ALLOW,
}));

export function only({ resourceType, operation }: Cell): readonly Rule[] {
  return [{ resourceType, operation, permissionType: Permission.ALLOW }];
}

export function allBut({ resourceType, operation }: Cell): readonly Rule[] {
  return [...ALL_RIGHTS, { resourceType, operation, permissionType: Permission.DENY }];
}

/** Before any broker asks: whoever is trusted may do everything, below the chroot as well. */
export async function trustBrokers(zookeeperConnect: string, chroots: readonly string[]): Promise<void> {
  for (const chroot of chroots) {
    const coordinator = await openTree(`${zookeeperConnect}${chroot}`);
    const acls = new AclStore(coordinator);
    await acls.ensurePaths();
    const rule = { principal: EVERYBODY, host: TRUSTED, operation: 'All', permissionType: 'Allow' };
    for (const [resourceType, [code]] of Object.entries(OPERATIONS)) {
      const name = code === 4 ? 'kafka-cluster' : '*';
      await acls.replace({ pattern: 'LITERAL', resourceType, name }, null, [rule]);
    }
    await coordinator.close();
  }
}

function openTree(connect: string): Promise<Coordinator> {
  const source = zookeeperSource({
    connect,
    sessionTimeoutMs: TIMEOUT_MS,
    connectionTimeoutMs: TIMEOUT_MS,
    maxInFlightRequests: 10,
  });
  return source.open(TIMEOUT_MS);
}

/** All nodes of access rules and of their notices below the chroot, with their data; notices without their numbers. */
export async function ruleNodes(connect: string): Promise<string[]> {
  const coordinator = await openTree(connect);
  const found: string[] = [];
  const look = async (path: string): Promise<void> => {
    const node = await coordinator.read(path);
    found.push(`${path.replace(/\d{10}$/, '')} ${node?.data.toString()}`);
    for (const name of (await coordinator.children(path)) ?? []) await look(`${path}/${name}`);
  };
  const roots = ['/kafka-acl', '/kafka-acl-extended', '/kafka-acl-changes', '/kafka-acl-extended-changes'];
  for (const root of roots) await look(root);
  await coordinator.close();
  return found.sort();
}

/** Has the brokers make these rules, one request for each, so that both have made them in the same order. */
export async function makeRules(ports: readonly number[], creations: readonly Creation[]): Promise<void> {
  for (const port of ports) {
    const to = { host: TRUSTED, port, clientId: 'rules', timeoutMs: TIMEOUT_MS };
    const connection = await KafkaConnection.connect(systemPlatform().sockets, to);
    try {
      for (const creation of creations) {
        expectNone((await connection.request(CreateAcls, { creations: [creation] })).results);
      }
    } finally {
      connection.close();
    }
  }
}

type Creation = RequestInput<typeof CreateAcls>['creations'] extends readonly (infer One)[] | undefined
  ? One
  : never;

/** Gives {@link TRIED} these rights and no others, on the brokers at these ports. */
export async function giveRights(ports: readonly number[], rules: readonly Rule[]): Promise<void> {
  for (const port of ports) {
    const to = { host: TRUSTED, port, clientId: 'rights', timeoutMs: TIMEOUT_MS };
    const connection = await KafkaConnection.connect(systemPlatform().sockets, to);
    try {
      const any = { operation: ANY, permissionType: ANY, resourceNameFilter: null, principalFilter: null };
      const filter = { ...any, resourceTypeFilter: ANY, patternTypeFilter: ANY, hostFilter: TRIED };
      expectNone((await connection.request(DeleteAcls, { filters: [filter] })).filterResults);
      const creations = rules.map((rule) => ({
        ...rule,
        resourceName: rule.resourceType === 4 ? 'kafka-cluster' : '*',
        resourcePatternType: PatternType.LITERAL,
        principal: EVERYBODY,
        host: TRIED,
      }));
      if (creations.length > 0) expectNone((await connection.request(CreateAcls, { creations })).results);
    } finally {
      connection.close();
    }
  }
}

function expectNone(
  answers: readonly { readonly errorCode: number; readonly errorMessage: string | null }[],
): void {
  const failed = answers.filter(({ errorCode }) => errorCode !== 0);
  if (failed.length > 0) throw new Error(`refused: ${JSON.stringify(failed)}`);
}
