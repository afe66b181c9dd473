/** How access rules are written on the command line and printed: as Kafka's kafka-acls does. */
import {
  type Acl,
  type AclPattern,
  ALL_OPERATIONS,
  ANY,
  operationName,
  PatternType,
  Permission,
  resourceTypeName,
  resourceTypeOf,
} from '../../../broker/security/acl.ts';
import { OPERATIONS_ON, Operation } from '../../../broker/security/operations.ts';
import { UsageError } from '../arguments.ts';

const PATTERN_TYPES: Readonly<Record<string, number>> = {
  any: ANY,
  match: PatternType.MATCH,
  ...inSmall(PatternType),
};
const OPERATIONS: ReadonlyMap<string, number> = new Map(
  [ALL_OPERATIONS, ...Object.values(Operation)].map((code) => [operationName(code).toLowerCase(), code]),
);

/** `prefixed`: its code. Throws UsageError. */
export function patternTypeOf(text: string): number {
  const code = PATTERN_TYPES[text.toLowerCase()];
  if (code !== undefined) return code;
  const allowed = Object.keys(PATTERN_TYPES).join(', ');
  throw new UsageError(`--resource-pattern-type takes ${allowed}, not '${text}'`);
}

/** `DescribeConfigs` or `DESCRIBE_CONFIGS`: its code. Throws UsageError. */
export function operationOf(text: string): number {
  const code = OPERATIONS.get(text.replaceAll('_', '').toLowerCase());
  if (code !== undefined) return code;
  const allowed = [...OPERATIONS.values()].map(operationName).join(', ');
  throw new UsageError(`--operation takes ${allowed}, not '${text}'`);
}

/** Throws UsageError for an operation that nobody does to such a resource. */
export function checkOperation(resourceType: number, operation: number): void {
  const type = resourceTypeOf(resourceType);
  if (type === null || operation === ALL_OPERATIONS) return;
  const supported = OPERATIONS_ON[type];
  if (supported.some((one) => one === operation)) return;
  const names = [...supported, ALL_OPERATIONS].map(operationName).join(', ');
  throw new UsageError(`ResourceType ${resourceWord(resourceType)} only supports operations ${names}`);
}

/** A pattern in Kafka's words, as `--json` prints it. */
export function patternWords({ resourceType, name, patternType }: AclPattern) {
  const pattern = Object.entries(PATTERN_TYPES).find(([, code]) => code === patternType)?.[0] ?? 'unknown';
  return { resourceType: resourceWord(resourceType), name, patternType: pattern.toUpperCase() };
}

/** A rule in Kafka's words, as `--json` prints it. */
export function aclWords({ principal, host, operation, permission }: Acl) {
  const permissionType = permission === Permission.DENY ? 'DENY' : 'ALLOW';
  return { principal, host, operation: screaming(operationName(operation)), permissionType };
}

/** `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`. */
export function patternText(pattern: AclPattern): string {
  return `ResourcePattern(${listed(patternWords(pattern))})`;
}

/** `(principal=User:alice, host=*, operation=READ, permissionType=ALLOW)`. */
export function aclText(acl: Acl): string {
  return `(${listed(aclWords(acl))})`;
}

/** `acls` as Kafka's tool puts them between two lines of words. */
export function aclLines(acls: readonly Acl[]): string {
  return `\n ${acls.map((acl) => `\t${aclText(acl)}`).join('\n')} \n`;
}

function listed(words: Readonly<Record<string, string>>): string {
  return Object.entries(words)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function resourceWord(resourceType: number): string {
  const type = resourceTypeOf(resourceType);
  return type === null ? 'UNKNOWN' : screaming(resourceTypeName(type));
}

function screaming(pascal: string): string {
  return pascal.replace(/(?!^)([A-Z])/g, '_$1').toUpperCase();
}

function inSmall(codes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(codes).map(([name, code]) => [name.toLowerCase(), code]));
}
