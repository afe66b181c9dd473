/**
 * All access rules, and what they come to: may this principal, from this host, do this to that? Pure: it
 * is told the rules and asked questions, and neither ends anywhere else.
 *
 * The rules about a name are those of that very name, of `*`, and of every prefix of it. One that denies
 * outweighs all that allow. To read, write, delete or alter something includes seeing it, and to alter its
 * configs includes seeing them; to be denied one of these denies nothing else.
 * Source: kafka.security.authorizer.AclAuthorizer.
 */
import {
  type Acl,
  type AclBinding,
  type AclPattern,
  ALL_OPERATIONS,
  PatternType,
  Permission,
  resourceTypeOf,
  WILDCARD,
  WILDCARD_PRINCIPAL,
} from './acl.ts';
import { type AclFilter, meansAcl, meansPattern } from './acl-filter.ts';
import { Operation, type Resource, type ResourceType } from './operations.ts';

/** In whose name a question is put. */
export interface Asker {
  /** `User:alice`. */
  readonly principal: string;
  /** The address as text. */
  readonly host: string;
}

/** `unruled`: there is no rule at all about such a name, for anybody. */
type Verdict = 'allowed' | 'denied' | 'unruled';

/** The rules about resources of one type, by the name or the prefix that they are about. */
interface RulesOfType {
  readonly code: number;
  readonly literal: Map<string, readonly Acl[]>;
  readonly prefixed: Map<string, readonly Acl[]>;
  /** How many prefixes have each length: only these lengths of a name are looked up. */
  readonly prefixLengths: Map<number, number>;
}

const NO_ACLS: readonly Acl[] = [];

const SEEING: ReadonlySet<number> = new Set([
  Operation.DESCRIBE,
  Operation.READ,
  Operation.WRITE,
  Operation.DELETE,
  Operation.ALTER,
]);

export class AclSet {
  #types = new Map<ResourceType, RulesOfType>();
  #generation = 0;

  /** Counts the changes: what was decided under another one has to be decided again. */
  get generation(): number {
    return this.#generation;
  }

  /** The rules about the pattern are these from now on. A type that nobody knows is passed over. */
  replace(pattern: AclPattern, acls: readonly Acl[]): void {
    const type = resourceTypeOf(pattern.resourceType);
    if (type === null) return;
    const rules = this.#types.get(type) ?? newRules(pattern.resourceType);
    this.#types.set(type, rules);
    const prefixed = pattern.patternType === PatternType.PREFIXED;
    const named = prefixed ? rules.prefixed : rules.literal;
    if (prefixed) countPrefix(rules, pattern.name, acls.length > 0);
    if (acls.length === 0) named.delete(pattern.name);
    else named.set(pattern.name, acls);
    this.#generation++;
  }

  /** All rules are those of the other from now on, which is not used any more. */
  become(other: AclSet): void {
    this.#types = other.#types;
    this.#generation++;
  }

  decide(asker: Asker, operation: Operation, { type, name }: Resource): Verdict {
    const rules = this.#types.get(type);
    if (rules === undefined) return 'unruled';
    let verdict: Verdict = 'unruled';
    for (const acls of rulesAbout(rules, name)) {
      for (const acl of acls) {
        if (verdict === 'unruled') verdict = 'denied';
        if (!concerns(acl, asker)) continue;
        if (acl.permission === Permission.DENY && covers(acl, operation)) return 'denied';
        if (acl.permission === Permission.ALLOW && grants(acl, operation)) verdict = 'allowed';
      }
    }
    return verdict;
  }

  /** Whether there is a name of that type to which the rules allow it; no such thing needs to exist. */
  allowsForSome(asker: Asker, operation: Operation, type: ResourceType): boolean {
    const rules = this.#types.get(type);
    if (rules === undefined) return false;
    const named = (names: ReadonlyMap<string, readonly Acl[]>, permission: number): string[] =>
      [...names].filter(([, acls]) => decides(acls, permission, asker, operation)).map(([name]) => name);
    const denied = new Set(named(rules.literal, Permission.DENY));
    const deniedPrefixes = named(rules.prefixed, Permission.DENY);
    const dominated = (name: string): boolean => deniedPrefixes.some((prefix) => name.startsWith(prefix));
    if (denied.has(WILDCARD)) return false;
    return (
      named(rules.prefixed, Permission.ALLOW).some((prefix) => !dominated(prefix)) ||
      named(rules.literal, Permission.ALLOW).some(
        (name) => name === WILDCARD || (!denied.has(name) && !dominated(name)),
      )
    );
  }

  /** Whether everything of that type is denied by one rule about `*`. */
  deniesAll(asker: Asker, operation: Operation, type: ResourceType): boolean {
    const acls = this.#types.get(type)?.literal.get(WILDCARD) ?? NO_ACLS;
    return decides(acls, Permission.DENY, asker, operation);
  }

  /** Every pattern that has rules. */
  *patterns(): Iterable<AclPattern> {
    for (const [pattern] of this.#all()) yield pattern;
  }

  /** The rules that the filter means. */
  *bindings(filter: AclFilter): Iterable<AclBinding> {
    for (const [pattern, acls] of this.#all()) {
      if (!meansPattern(filter, pattern)) continue;
      for (const acl of acls) if (meansAcl(filter, acl)) yield { ...pattern, ...acl };
    }
  }

  *#all(): Iterable<readonly [AclPattern, readonly Acl[]]> {
    for (const { code: resourceType, literal, prefixed } of this.#types.values()) {
      for (const [name, acls] of literal) {
        yield [{ resourceType, name, patternType: PatternType.LITERAL }, acls];
      }
      for (const [name, acls] of prefixed) {
        yield [{ resourceType, name, patternType: PatternType.PREFIXED }, acls];
      }
    }
  }
}

function newRules(code: number): RulesOfType {
  return { code, literal: new Map(), prefixed: new Map(), prefixLengths: new Map() };
}

/** Takes note that the prefix has rules, or has none any more. */
function countPrefix({ prefixed, prefixLengths }: RulesOfType, prefix: string, present: boolean): void {
  if (prefixed.has(prefix) === present) return;
  const count = (prefixLengths.get(prefix.length) ?? 0) + (present ? 1 : -1);
  if (count === 0) prefixLengths.delete(prefix.length);
  else prefixLengths.set(prefix.length, count);
}

function* rulesAbout(rules: RulesOfType, name: string): Iterable<readonly Acl[]> {
  yield rules.literal.get(WILDCARD) ?? NO_ACLS;
  yield rules.literal.get(name) ?? NO_ACLS;
  for (const length of rules.prefixLengths.keys()) {
    if (length <= name.length) yield rules.prefixed.get(name.slice(0, length)) ?? NO_ACLS;
  }
}

function concerns(acl: Acl, { principal, host }: Asker): boolean {
  return (
    (acl.principal === principal || acl.principal === WILDCARD_PRINCIPAL) &&
    (acl.host === WILDCARD || acl.host === host)
  );
}

function covers(acl: Acl, operation: Operation): boolean {
  return acl.operation === operation || acl.operation === ALL_OPERATIONS;
}

/** Whether who is allowed what the rule says may do `operation` as well. */
function grants(acl: Acl, operation: Operation): boolean {
  if (covers(acl, operation)) return true;
  if (operation === Operation.DESCRIBE) return SEEING.has(acl.operation);
  return operation === Operation.DESCRIBE_CONFIGS && acl.operation === Operation.ALTER_CONFIGS;
}

/** Whether one of the rules says so of just this operation, or of all. */
function decides(acls: readonly Acl[], permission: number, asker: Asker, operation: Operation): boolean {
  return acls.some((acl) => acl.permission === permission && concerns(acl, asker) && covers(acl, operation));
}
