/**
 * DescribeAcls (29), versions 0-3: the access rules that a filter means, by resource pattern. v0 knows
 * literal patterns only.
 * Source: AclApis.handleDescribeAcls.
 */
import { ErrorCode } from '../errors.ts';
import { afterwards, type Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { DescribeAcls } from '../protocol/messages/29-describe-acls.ts';
import type { AclBinding } from '../security/acl.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { filterOf, NO_AUTHORIZER, namesUnknownAcl } from './shared/acl-requests.ts';

export const describeAcls = defineHandler(DescribeAcls, ['acls'], {
  handle(request, context, { acls }) {
    if (namesUnknownAcl(request)) return 'close';
    if (!context.may(Operation.DESCRIBE, CLUSTER)) return refuse(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    if (acls === null) return NO_AUTHORIZER;
    return afterwards(context.turns.take(described(acls.list(filterOf(request)))), (resources) => ({
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      resources,
    }));
  },
  refuse: (_request, errorCode) => refuse(errorCode),
});

function refuse(errorCode: ErrorCode) {
  return { errorCode, errorMessage: errorText(errorCode) };
}

function* described(bindings: Iterable<AclBinding>): Steps<ReturnType<typeof describePattern>[]> {
  const byPattern = new Map<string, AclBinding[]>();
  for (const binding of bindings) {
    const key = keyOf(binding);
    const known = byPattern.get(key);
    if (known === undefined) byPattern.set(key, [binding]);
    else known.push(binding);
    yield;
  }
  const resources: ReturnType<typeof describePattern>[] = [];
  for (const ofPattern of byPattern.values()) {
    resources.push(describePattern(ofPattern));
    yield;
  }
  return resources;
}

function describePattern(bindings: readonly AclBinding[]) {
  const [first] = bindings;
  return {
    resourceType: first?.resourceType ?? 0,
    resourceName: first?.name ?? '',
    patternType: first?.patternType ?? 0,
    acls: bindings.map(({ principal, host, operation, permission: permissionType }) => ({
      principal,
      host,
      operation,
      permissionType,
    })),
  };
}

function keyOf({ resourceType, patternType, name }: AclBinding): string {
  return `${resourceType}:${patternType}:${name}`;
}
