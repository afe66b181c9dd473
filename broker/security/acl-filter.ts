/**
 * Which rules a filter of DescribeAcls and DeleteAcls means.
 * Source: org.apache.kafka.common.resource.ResourcePatternFilter, AccessControlEntryFilter.
 */
import { type Acl, type AclPattern, ANY, PatternType, WILDCARD } from './acl.ts';

/** What has to be so; null and {@link ANY} stand for whatever. */
export interface AclFilter {
  readonly resourceType: number;
  readonly name: string | null;
  readonly patternType: number;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: number;
  readonly permission: number;
}

export function meansPattern(filter: AclFilter, pattern: AclPattern): boolean {
  if (filter.resourceType !== ANY && filter.resourceType !== pattern.resourceType) return false;
  const { patternType } = filter;
  const exact = patternType === pattern.patternType;
  if (!exact && patternType !== ANY && patternType !== PatternType.MATCH) return false;
  if (filter.name === null) return true;
  if (exact || patternType === ANY) return filter.name === pattern.name;
  if (pattern.patternType === PatternType.PREFIXED) return filter.name.startsWith(pattern.name);
  return filter.name === pattern.name || pattern.name === WILDCARD;
}

export function meansAcl(filter: AclFilter, acl: Acl): boolean {
  return (
    (filter.principal === null || filter.principal === acl.principal) &&
    (filter.host === null || filter.host === acl.host) &&
    (filter.operation === ANY || filter.operation === acl.operation) &&
    (filter.permission === ANY || filter.permission === acl.permission)
  );
}

/** The one pattern that the filter can mean; null when it may be several. */
export function onlyPatternOf({ resourceType, name, patternType }: AclFilter): AclPattern | null {
  const definite =
    resourceType !== ANY &&
    name !== null &&
    (patternType === PatternType.LITERAL || patternType === PatternType.PREFIXED);
  return definite ? { resourceType, name, patternType } : null;
}
