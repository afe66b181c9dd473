/**
 * Decides by access rules: super users may do everything, the others what the rules allow, and what no rule
 * is about is open to all or to nobody, by config. What was decided is remembered for each connection until
 * any rule changes, because the same few questions come with every request.
 * Source: kafka.security.authorizer.AclAuthorizer.
 */
import { boundedName } from '../bounded-name.ts';
import type { AclSet, Asker } from './acl-set.ts';
import { type Authorizer, EVERY_RIGHT, type Rights } from './authorizer.ts';
import { javaAddress } from './java-address.ts';
import type { Operation, Resource, ResourceType } from './operations.ts';
import { type Principal, principalText } from './principal.ts';

interface AclAuthorizerOptions {
  readonly acls: AclSet;
  /** super.users, as texts: `User:admin`. */
  readonly superUsers: ReadonlySet<string>;
  /** allow.everyone.if.no.acl.found */
  readonly allowsUnruled: boolean;
  /** authorizer.cache.max.resources: of a connection. */
  readonly maxRemembered: number;
}

export class AclAuthorizer implements Authorizer {
  readonly #options: AclAuthorizerOptions;

  constructor(options: AclAuthorizerOptions) {
    this.#options = options;
  }

  rightsOf(principal: Principal, host: string): Rights {
    const asker = { principal: principalText(principal), host: javaAddress(host) };
    if (this.#options.superUsers.has(asker.principal)) return EVERY_RIGHT;
    return new RememberedRights(asker, this.#options);
  }
}

/** Sets of operations, one bit for each, numbered by its code. */
interface Remembered {
  asked: number;
  allowed: number;
}

/** `#remembered` holds answers of `#generation` only. */
class RememberedRights implements Rights {
  readonly #asker: Asker;
  readonly #options: AclAuthorizerOptions;
  readonly #remembered = new Map<ResourceType, Map<string, Remembered>>();
  /** Of questions that name no resource. */
  readonly #forSome = new Map<ResourceType, Remembered>();
  #count = 0;
  #generation: number;

  constructor(asker: Asker, options: AclAuthorizerOptions) {
    this.#asker = asker;
    this.#options = options;
    this.#generation = options.acls.generation;
  }

  may(operation: Operation, resource: Resource): boolean {
    const bit = 1 << operation;
    const remembered = this.#of(resource);
    if ((remembered.asked & bit) === 0) {
      remembered.asked |= bit;
      if (this.#decide(operation, resource)) remembered.allowed |= bit;
    }
    return (remembered.allowed & bit) !== 0;
  }

  mayForSome(operation: Operation, type: ResourceType): boolean {
    if (this.#generation !== this.#options.acls.generation) this.#forget();
    const bit = 1 << operation;
    const remembered = this.#forSome.get(type) ?? { asked: 0, allowed: 0 };
    if ((remembered.asked & bit) === 0) {
      remembered.asked |= bit;
      if (this.#decideForSome(operation, type)) remembered.allowed |= bit;
      this.#forSome.set(type, remembered);
    }
    return (remembered.allowed & bit) !== 0;
  }

  #decide(operation: Operation, resource: Resource): boolean {
    const { acls, allowsUnruled } = this.#options;
    const verdict = acls.decide(this.#asker, operation, resource);
    return verdict === 'unruled' ? allowsUnruled : verdict === 'allowed';
  }

  /** As in Kafka: there is always some name that no rule is about, unless one denies all of them. */
  #decideForSome(operation: Operation, type: ResourceType): boolean {
    const { acls, allowsUnruled } = this.#options;
    if (allowsUnruled) return !acls.deniesAll(this.#asker, operation, type);
    return acls.allowsForSome(this.#asker, operation, type);
  }

  #of({ type, name }: Resource): Remembered {
    if (this.#generation !== this.#options.acls.generation) this.#forget();
    const key = boundedName(name);
    const known = this.#remembered.get(type)?.get(key);
    if (known !== undefined) return known;
    if (this.#count >= this.#options.maxRemembered) this.#forget();
    const fresh = { asked: 0, allowed: 0 };
    const names = this.#remembered.get(type) ?? new Map<string, Remembered>();
    this.#remembered.set(type, names.set(key, fresh));
    this.#count++;
    return fresh;
  }

  #forget(): void {
    this.#remembered.clear();
    this.#forSome.clear();
    this.#count = 0;
    this.#generation = this.#options.acls.generation;
  }
}
