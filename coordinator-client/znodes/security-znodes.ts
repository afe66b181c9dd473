/**
 * ACLs and delegation tokens in the tree, and the notices of their change. Literal patterns lie under
 * /kafka-acl, prefixed ones under /kafka-acl-extended/prefixed, in the same form.
 * Source: kafka.zk.ZkData, kafka.security.authorizer.AclEntry, DelegationTokenManagerZk.
 */
import { immutableMapOrder } from './key-order.ts';
import { encodeJson, JsonFields, ordered, ZnodeFormatError } from './znode-json.ts';

/** As they stand in paths. */
export const ACL_RESOURCE_TYPES = [
  'Topic',
  'Group',
  'Cluster',
  'TransactionalId',
  'DelegationToken',
  'User',
] as const;

export const ACL_PATTERN_TYPES = ['LITERAL', 'PREFIXED'] as const;
export type AclPatternType = (typeof ACL_PATTERN_TYPES)[number];

/** One access rule as it is stored. */
export interface StoredAcl {
  /** `User:name`. */
  readonly principal: string;
  /** `Allow` or `Deny`. */
  readonly permissionType: string;
  /** `Read`, `Write`, `All`, … */
  readonly operation: string;
  readonly host: string;
}

export const aclZnode = {
  root: (pattern: AclPatternType): string =>
    pattern === 'LITERAL' ? '/kafka-acl' : '/kafka-acl-extended/prefixed',
  typePath: (pattern: AclPatternType, resourceType: string): string =>
    `${aclZnode.root(pattern)}/${resourceType}`,
  path: (pattern: AclPatternType, resourceType: string, name: string): string =>
    `${aclZnode.typePath(pattern, resourceType)}/${name}`,
  encode: (entries: readonly StoredAcl[]): Buffer =>
    encodeJson({
      acls: entries.map(({ principal, permissionType, host, operation }) => ({
        principal,
        permissionType,
        host,
        operation,
      })),
      version: 1,
    }),
  decode(path: string, data: Buffer): StoredAcl[] {
    if (data.length === 0) return [];
    const json = JsonFields.parse(path, data);
    if (json.int('version') !== 1) json.fail('unsupported version of an ACL node');
    return json.objects('acls').map((one) => ({
      principal: one.string('principal'),
      permissionType: one.string('permissionType'),
      operation: one.string('operation'),
      host: one.string('host'),
    }));
  },
};

/** What access rules are about: resources of one name, or all whose names begin so. */
export interface AclResource {
  readonly pattern: AclPatternType;
  /** As in {@link ACL_RESOURCE_TYPES}. */
  readonly resourceType: string;
  readonly name: string;
}

/** Notices about literal patterns are plain text, those about others JSON; the type stands in capitals. */
export const aclChangeZnode = {
  parent: (pattern: AclPatternType): string =>
    pattern === 'LITERAL' ? '/kafka-acl-changes' : '/kafka-acl-extended-changes',
  prefix: (pattern: AclPatternType): string => `${aclChangeZnode.parent(pattern)}/acl_changes_`,
  encode(resource: AclResource): Buffer {
    if (resource.pattern === 'LITERAL')
      return Buffer.from(`${screaming(resource.resourceType)}:${resource.name}`);
    return encodeJson({
      version: 1,
      resourceType: screaming(resource.resourceType),
      name: resource.name,
      patternType: resource.pattern,
    });
  },
  decode(path: string, pattern: AclPatternType, data: Buffer): AclResource {
    if (pattern === 'LITERAL') {
      const text = data.toString('utf8');
      const colon = text.indexOf(':');
      if (colon < 1) throw new ZnodeFormatError(path, 'expected a resource type, a colon and a name');
      const resourceType = resourceTypeOf(text.slice(0, colon));
      if (resourceType === undefined) throw new ZnodeFormatError(path, `${text} names no resource type`);
      return { pattern, resourceType, name: text.slice(colon + 1) };
    }
    const json = JsonFields.parse(path, data);
    const type = json.string('resourceType');
    const resourceType = resourceTypeOf(type);
    if (resourceType === undefined) return json.fail(`${type} is no resource type`);
    const patternType = json.string('patternType');
    if (patternType !== 'LITERAL' && patternType !== 'PREFIXED') {
      return json.fail(`${patternType} is no pattern type`);
    }
    return { pattern: patternType, resourceType, name: json.string('name') };
  },
};

/** A delegation token as it is stored: without its secret, which is computed from its id. */
export interface StoredToken {
  readonly tokenId: string;
  /** Principals are sanitised (percent-encoded) in the tree. */
  readonly owner: string;
  readonly tokenRequester: string;
  readonly renewers: readonly string[];
  readonly issueTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly expiryTimestampMs: number;
}

export const delegationTokenZnode = {
  parent: '/delegation_token/tokens',
  path: (tokenId: string): string => `/delegation_token/tokens/${tokenId}`,
  encode(token: StoredToken): Buffer {
    const fields = {
      version: 3,
      owner: token.owner,
      tokenRequester: token.tokenRequester,
      renewers: token.renewers,
      issueTimestamp: token.issueTimestampMs,
      maxTimestamp: token.maxTimestampMs,
      expiryTimestamp: token.expiryTimestampMs,
      tokenId: token.tokenId,
    };
    return encodeJson(ordered(fields, immutableMapOrder));
  },
  /** Versions 1 and 2 know no requester: it is the owner. */
  decode(tokenId: string, data: Buffer): StoredToken {
    const json = JsonFields.parse(delegationTokenZnode.path(tokenId), data);
    const owner = json.string('owner');
    return {
      tokenId: json.string('tokenId'),
      owner,
      tokenRequester: json.stringOrNull('tokenRequester') ?? owner,
      renewers: json.strings('renewers'),
      issueTimestampMs: json.longText('issueTimestamp'),
      maxTimestampMs: json.longText('maxTimestamp'),
      expiryTimestampMs: json.longText('expiryTimestamp'),
    };
  },
};

/** The id of a token, as text. */
export const tokenChangeZnode = {
  parent: '/delegation_token/token_changes',
  prefix: '/delegation_token/token_changes/token_change_',
  encode: (tokenId: string): Buffer => Buffer.from(tokenId),
  decode: (_path: string, data: Buffer): string => data.toString('utf8'),
};

/** In capitals, or as it stands in paths: both were written by some version. */
function resourceTypeOf(text: string): string | undefined {
  return ACL_RESOURCE_TYPES.find((known) => known === text || screaming(known) === text);
}

/** `TransactionalId` as the Java enum spells it: `TRANSACTIONAL_ID`. */
function screaming(resourceType: string): string {
  return resourceType.replace(/(?!^)([A-Z])/g, '_$1').toUpperCase();
}
