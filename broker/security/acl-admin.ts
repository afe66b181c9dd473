/**
 * Access rules made, removed and listed for the ACL requests, on whichever broker they come to. The rules of
 * a resource pattern are changed in ZooKeeper by compare-and-set, and once more while others are faster;
 * this broker goes by them from then on, the others when they see the notice.
 * Source: AclAuthorizer.createAcls, deleteAcls, updateResourceAcls.
 */
import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { AclStore } from '../../coordinator-client/stores/acl-store.ts';
import type { AclResource, StoredAcl } from '../../coordinator-client/znodes/security-znodes.ts';
import { boundedName, NameMap } from '../bounded-name.ts';
import { ErrorCode, failure, type Outcome, success } from '../errors.ts';
import { type Clock, sleep } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Random } from '../platform/random.ts';
import type { Steps, Turns } from '../platform/turns.ts';
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

/** Of different resource patterns; to begin so many takes the event loop some milliseconds. */
const CHANGED_TOGETHER = 100;

/** Of a filter with a pattern, which takes a fraction of a microsecond: rules times filters can be very many. */
const COMPARISONS_PER_TURN = 5000;

/** A rule to be added, by its place in the request. */
interface Wanted {
  readonly binding: AclBinding;
  readonly index: number;
}

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
  create(bindings: readonly AclBinding[], turns: Turns): Promise<Outcome<void>[]> {
    return this.#inOrder(async () => turns.take(this.#create(bindings)));
  }

  /** Removes what the filters mean; a rule that several mean is told with the first. */
  delete(filters: readonly AclFilter[], turns: Turns): Promise<DeletedAcl[][]> {
    return this.#inOrder(async () => turns.take(this.#delete(filters), COMPARISONS_PER_TURN));
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#before.then(change);
    this.#before = changed.catch(() => {});
    return changed;
  }

  *#create(bindings: readonly AclBinding[]): Steps<Outcome<void>[]> {
    const outcomes: Outcome<void>[] = [];
    const byResource = new NameMap<Wanted[]>();
    const underWay = new UnderWay();
    for (const [index, binding] of bindings.entries()) {
      const refusal = refusalOf(binding);
      outcomes.push(refusal ?? DONE);
      if (refusal === null) {
        const key = keyOf(binding);
        const known = byResource.get(key);
        if (known === undefined) byResource.set(key, [{ binding, index }]);
        else known.push({ binding, index });
      }
      yield;
    }
    for (const group of byResource.values()) {
      const wanted = yield* rulesOf(group);
      const added = this.#add(group[0]?.binding, wanted).then((outcome) => {
        for (const { index } of group) outcomes[index] = outcome;
      });
      yield underWay.add(added);
    }
    yield underWay.all();
    return outcomes;
  }

  /** All that is wanted of the resource pattern of `one`. */
  async #add(one: AclBinding | undefined, wanted: Rules | null): Promise<Outcome<void>> {
    const resource = one === undefined ? null : aclResourceOf(one);
    if (resource === null) return DONE;
    // Kafka does not foresee it, and says no more.
    if (wanted === null) return failure(ErrorCode.UNKNOWN_SERVER_ERROR);
    return this.#update(resource, (stored) => [...stored, ...missingFrom(stored, wanted)]);
  }

  *#delete(filters: readonly AclFilter[]): Steps<DeletedAcl[][]> {
    const gone: (readonly [AclPattern, readonly Removed[]])[] = [];
    const underWay = new UnderWay();
    for (const [resource, pattern] of yield* this.#meantBy(filters)) {
      const meaning: Meaning[] = [];
      for (const [index, filter] of filters.entries()) {
        if (meansPattern(filter, pattern)) meaning.push({ index, filter });
        yield;
      }
      if (meaning.length === 0) continue;
      const place = gone.push([pattern, []]) - 1;
      const removed = this.#remove(resource, meaning).then((all) => {
        gone[place] = [pattern, all];
      });
      yield underWay.add(removed);
    }
    yield underWay.all();
    return yield* byFilter(filters.length, gone);
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
  *#meantBy(filters: readonly AclFilter[]): Steps<(readonly [AclResource, AclPattern])[]> {
    const patterns = new NameMap<AclPattern>();
    for (const pattern of [...this.#options.acls.patterns()]) {
      patterns.set(keyOf(pattern), pattern);
      yield;
    }
    for (const filter of filters) {
      const named = onlyPatternOf(filter);
      if (named !== null) patterns.set(keyOf(named), named);
      yield;
    }
    const meant: (readonly [AclResource, AclPattern])[] = [];
    for (const pattern of patterns.values()) {
      const resource = aclResourceOf(pattern);
      if (resource !== null) meant.push([resource, patternOf(resource)]);
      yield;
    }
    return meant;
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

/** Changes of different resource patterns, which need not wait for each other. */
class UnderWay {
  readonly #changes: Promise<void>[] = [];

  /** A promise when it is time to wait. */
  add(change: Promise<void>): Promise<void> | undefined {
    change.catch(() => {}); // whoever waits for all of them gets it
    return this.#changes.push(change) < CHANGED_TOGETHER ? undefined : this.all();
  }

  /** Rejects as the first that does, but not before all are over: the next change must not compete with them. */
  async all(): Promise<void> {
    const settled = await Promise.allSettled(this.#changes.splice(0));
    const failed = settled.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}

function* byFilter(
  filters: number,
  gone: readonly (readonly [AclPattern, readonly Removed[]])[],
): Steps<DeletedAcl[][]> {
  const deleted = Array.from({ length: filters }, (): DeletedAcl[] => []);
  for (const [pattern, all] of gone) {
    for (const { acl, index, error } of all) {
      deleted[index]?.push({ binding: { ...pattern, ...acl }, error });
      yield;
    }
  }
  return deleted;
}

/** Rules of one resource pattern, by their text. */
type Rules = ReadonlyMap<string, StoredAcl>;

/** null: one of them is for nobody that can be. */
function* rulesOf(group: readonly Wanted[]): Steps<Rules | null> {
  const rules = new Map<string, StoredAcl>();
  for (const { binding } of group) {
    if (parsePrincipal(binding.principal) === null) return null;
    rules.set(textOf(binding), storedAclOf(binding));
    yield;
  }
  return rules;
}

function missingFrom(stored: readonly StoredAcl[], wanted: Rules): StoredAcl[] {
  const present = new Set(stored.map((one) => textOf(aclOf(one))));
  return [...wanted].filter(([text]) => !present.has(text)).map(([, one]) => one);
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
  return boundedName(JSON.stringify([principal, host, operation, permission]));
}
