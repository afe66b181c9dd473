/**
 * Access rules made, removed and listed for the ACL requests, on whichever broker they come to. The rules of
 * a resource pattern are changed in ZooKeeper by compare-and-set, and once more while others are faster;
 * this broker goes by them from then on, the others when they see the notice.
 * Source: AclAuthorizer.createAcls, deleteAcls, updateResourceAcls.
 */
import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { AclStore } from '../../coordinator-client/stores/acl-store.ts';
import type { AclResource, StoredAcl } from '../../coordinator-client/znodes/security-znodes.ts';
import { ErrorCode, failure, type Outcome, success } from '../errors.ts';
import { type Clock, sleep } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Random } from '../platform/random.ts';
import {
  type Acl,
  type AclBinding,
  type AclPattern,
  aclOf,
  aclResourceOf,
  isKnown,
  patternOf,
  storedAclOf,
} from './acl.ts';
import { type AclFilter, meansAcl, meansPattern, onlyPatternOf } from './acl-filter.ts';
import type { AclSet } from './acl-set.ts';
import { parsePrincipal } from './principal.ts';

interface AclAdminOptions {
  /** Of the current session. */
  readonly store: () => AclStore;
  readonly acls: AclSet;
  /** Hears what has been written, before any notice of it comes back. */
  readonly written: (resource: AclResource, acls: readonly StoredAcl[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
}

/** A rule that a filter meant. */
export interface DeletedAcl {
  readonly binding: AclBinding;
  /** NONE once the rule is gone. */
  readonly error: ErrorCode;
}

const DONE: Outcome<void> = success(undefined);
const MAX_RETRIES = 10;
const RETRY_BACKOFF_MS = 100;
const RETRY_JITTER_MS = 50;

const COMPARISONS_PER_TURN = 20_000;

/** A filter that means a pattern, by its place in the request. */
interface Meaning {
  readonly index: number;
  readonly filter: AclFilter;
}

/** A rule that was to go, and the place of the filter that meant it. */
interface Removed {
  readonly acl: Acl;
  readonly index: number;
  readonly error: ErrorCode;
}

/** What is to be made of the rules that are stored. */
type ChangeOfAcls = (stored: readonly StoredAcl[]) => readonly StoredAcl[];

export class AclAdmin {
  readonly #options: AclAdminOptions;
  /** Settled when the change before has been made: changes of this broker never compete with each other. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(options: AclAdminOptions) {
    this.#options = options;
  }

  /** The rules that the filter means, as this broker goes by them. */
  list(filter: AclFilter): AclBinding[] {
    return [...this.#options.acls.bindings(filter)];
  }

  /** Adds rules; those that are there already are as good as added. An outcome for each, in order. */
  create(bindings: readonly AclBinding[]): Promise<Outcome<void>[]> {
    return this.#inOrder(() => this.#create(bindings));
  }

  /** Removes what the filters mean; a rule that several mean is told with the first. */
  delete(filters: readonly AclFilter[]): Promise<DeletedAcl[][]> {
    return this.#inOrder(() => this.#delete(filters));
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#before.then(change);
    this.#before = changed.catch(() => {});
    return changed;
  }

  async #create(bindings: readonly AclBinding[]): Promise<Outcome<void>[]> {
    const outcomes = bindings.map((binding) => refusalOf(binding) ?? DONE);
    const wanted = bindings
      .map((binding, index) => ({ binding, index }))
      .filter(({ index }) => outcomes[index]?.ok);
    const byResource = Map.groupBy(wanted, ({ binding }) => keyOf(binding));
    for (const group of byResource.values()) {
      const outcome = await this.#add(group.map(({ binding }) => binding));
      for (const { index } of group) outcomes[index] = outcome;
    }
    return outcomes;
  }

  /** All of one resource pattern. */
  async #add(bindings: readonly AclBinding[]): Promise<Outcome<void>> {
    const [first] = bindings;
    const resource = first === undefined ? null : aclResourceOf(first);
    if (resource === null) return DONE;
    const stranger = bindings.find(({ principal }) => parsePrincipal(principal) === null);
    // Kafka does not foresee it, and says no more.
    if (stranger !== undefined) return failure(ErrorCode.UNKNOWN_SERVER_ERROR);
    return this.#update(resource, (stored) => [...stored, ...missingFrom(stored, bindings)]);
  }

  async #delete(filters: readonly AclFilter[]): Promise<DeletedAcl[][]> {
    const deleted: DeletedAcl[][] = filters.map(() => []);
    let compared = 0;
    for (const [resource, pattern] of this.#meantBy(filters)) {
      const meaning: Meaning[] = [];
      for (const [index, filter] of filters.entries()) {
        if (meansPattern(filter, pattern)) meaning.push({ index, filter });
        // Everybody's event loop: rules times filters can be very many.
        if (++compared % COMPARISONS_PER_TURN === 0) await sleep(this.#options.clock, 0);
      }
      if (meaning.length === 0) continue;
      for (const { index, ...gone } of await this.#remove(resource, meaning)) {
        deleted[index]?.push({ binding: { ...pattern, ...gone.acl }, error: gone.error });
      }
    }
    return deleted;
  }

  /** What one of the filters means of the rules of a resource pattern. */
  async #remove(resource: AclResource, meaning: readonly Meaning[]): Promise<Removed[]> {
    let gone: { readonly acl: Acl; readonly index: number }[] = [];
    const outcome = await this.#update(resource, (stored) => {
      gone = [];
      return stored.filter((one) => {
        const acl = aclOf(one);
        const first = meaning.find(({ filter }) => meansAcl(filter, acl));
        if (first !== undefined) gone.push({ acl, index: first.index });
        return first === undefined;
      });
    });
    return gone.map((one) => ({ ...one, error: outcome.ok ? ErrorCode.NONE : outcome.error }));
  }

  /** What this broker knows to have rules, and what a filter names without a doubt, which may be newer. */
  #meantBy(filters: readonly AclFilter[]): Iterable<readonly [AclResource, AclPattern]> {
    const named = filters.map(onlyPatternOf).filter((pattern) => pattern !== null);
    const patterns = new Map([...this.#options.acls.patterns(), ...named].map((one) => [keyOf(one), one]));
    return [...patterns.values()].flatMap((pattern) => {
      const resource = aclResourceOf(pattern);
      return resource === null ? [] : [[resource, patternOf(resource)] as const];
    });
  }

  /** Rejects when ZooKeeper can't be reached. */
  async #update(resource: AclResource, change: ChangeOfAcls): Promise<Outcome<void>> {
    try {
      await this.#compareAndSet(resource, change);
      return DONE;
    } catch (error) {
      if (error instanceof CoordinatorError) throw error;
      this.#options.diagnostics.error(`ACLs of ${keyOf(patternOf(resource))} could not be changed`, error);
      return failure(ErrorCode.UNKNOWN_SERVER_ERROR);
    }
  }

  async #compareAndSet(resource: AclResource, change: ChangeOfAcls): Promise<void> {
    const { store, written, clock, random } = this.#options;
    for (let attempt = 0; attempt <= MAX_RETRIES; attempt++) {
      if (attempt > 0) await sleep(clock, RETRY_BACKOFF_MS + random.int(RETRY_JITTER_MS));
      const acls = store();
      const { acls: stored, version } = await acls.read(resource);
      const wanted = change(stored);
      // Rules are only added, or only removed: as many as before are the same.
      const done = wanted.length === stored.length || (await acls.replace(resource, version, wanted));
      if (done) return written(resource, wanted);
    }
    throw new Error(`others were faster ${MAX_RETRIES} times`);
  }
}

function missingFrom(stored: readonly StoredAcl[], bindings: readonly AclBinding[]): StoredAcl[] {
  const present = new Set(stored.map((one) => textOf(aclOf(one))));
  const missing = new Map(bindings.map((one) => [textOf(one), storedAclOf(one)] as const));
  return [...missing].filter(([text]) => !present.has(text)).map(([, one]) => one);
}

/** A name with a slash can't be a node, and a rule in words that nobody knows can't be meant. */
function refusalOf(binding: AclBinding): Outcome<void> | null {
  const isWritable = !binding.name.includes('/') && aclResourceOf(binding) !== null && isKnown(binding);
  return isWritable ? null : failure(ErrorCode.INVALID_REQUEST, 'Failed to create ACL');
}

function keyOf({ resourceType, name, patternType }: AclPattern): string {
  return `${resourceType}:${patternType}:${name}`;
}

function textOf({ principal, host, operation, permission }: Acl): string {
  return JSON.stringify([principal, host, operation, permission]);
}
