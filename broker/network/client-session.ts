/**
 * Who is at the other end of a client's connection, for as long as the connection lasts. Dispatch reads
 * here in whose name a request comes, and notes how long the client is throttled; its connection listens
 * to it again after that. Where the listener asks for a name, whoever lets the client in says it here
 * once it is proved, and until then nothing of the client reaches a handler but the question for versions.
 */
import { sanitize } from '../../coordinator-client/znodes/config-znodes.ts';
import type { SecurityProtocol } from '../config/listeners.ts';
import type { ClientQuotas, ClientSensors, KnownSensors } from '../quotas/client-quotas.ts';
import type { Authorizer, Rights } from '../security/authorizer.ts';
import { ANONYMOUS, type Principal } from '../security/principal.ts';
import { KeptMemory } from './kept-memory.ts';

/** Where a connection comes from. */
export interface ClientOrigin {
  /** Unique among the connections of this process. */
  readonly id: string;
  /** Name of the listener that accepted it. */
  readonly listener: string;
  /** Address of the client, without its port. */
  readonly remoteHost: string;
  /** What the listener speaks. */
  readonly securityProtocol: SecurityProtocol;
}

/** What one connection may keep, as a part of what all may: so that one alone does not hold up the others. */
const SHARE = 1 / 8;

interface KnownRights {
  readonly principal: Principal;
  readonly authorizer: Authorizer;
  readonly rights: Rights;
}

export class ClientSession implements ClientOrigin {
  readonly id: string;
  readonly listener: string;
  readonly remoteHost: string;
  readonly securityProtocol: SecurityProtocol;
  /** Until when the client is not listened to; 0 while it is. */
  mutedUntilMs = 0;
  #quotaSensors: KnownSensors | null = null;
  /** Of all connections; what this one has of it is `#keptBytes`. */
  readonly #kept: KeptMemory;
  #keptBytes = 0;
  /** As they were asked for last. */
  #rights: KnownRights | null = null;
  /** ANONYMOUS until the client has proved who it is. */
  #principal: Principal = ANONYMOUS;
  #isAuthenticated: boolean;

  /**
   * `principal`: null where the client has to log in; left out, the listener asks for no name. `kept`: what
   * the requests of all connections may keep.
   */
  constructor(
    { id, listener, remoteHost, securityProtocol }: ClientOrigin,
    principal: Principal | null = ANONYMOUS,
    kept = new KeptMemory(Number.POSITIVE_INFINITY),
  ) {
    this.#kept = kept;
    this.id = id;
    this.listener = listener;
    this.remoteHost = remoteHost;
    this.securityProtocol = securityProtocol;
    this.#isAuthenticated = principal !== null;
    if (principal !== null) this.#principal = principal;
  }

  /** False until the client has logged in, and while it does so again: nobody serves its requests then. */
  get isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  /** Of the requests that come from now on; ANONYMOUS also while the client is still to log in. */
  get principal(): Principal {
    return this.#principal;
  }

  /** The client has to prove again who it is. */
  loginBegun(): void {
    this.#isAuthenticated = false;
  }

  /** The client has proved who it is, for the first time or again. */
  authenticated(principal: Principal): void {
    this.#principal = principal;
    this.#isAuthenticated = true;
    this.#quotaSensors = null;
  }

  /** What the client is held to and uses, when it calls itself so. */
  quotaSensors(quotas: ClientQuotas, clientId: string): ClientSensors {
    let known = this.#quotaSensors;
    // Names are made fit for a path only when something has changed: clients keep theirs.
    if (known === null || known.clientId !== clientId || known.revision !== quotas.revision) {
      known = {
        clientId,
        sensors: quotas.sensorsOf(sanitize(this.principal.name), sanitize(clientId)),
        revision: quotas.revision,
      };
      this.#quotaSensors = known;
    }
    return known.sensors;
  }

  /** A request of the client keeps so many bytes; the returned function says once that it does so no more. */
  keep(sizeBytes: number): () => void {
    this.#kept.reserve(sizeBytes);
    this.#keptBytes += sizeBytes;
    return () => {
      this.#keptBytes -= sizeBytes;
      this.#kept.release(sizeBytes);
    };
  }

  /** Whether a request of so many bytes may start, which might keep them. Any may that is the only one. */
  mayKeep(sizeBytes: number): boolean {
    if (this.#kept.isFull) return false;
    return this.#keptBytes === 0 || this.#keptBytes + sizeBytes <= this.#kept.limitBytes * SHARE;
  }

  /** Calls `tryAgain` once, when any client keeps less. */
  whenKeptLess(tryAgain: () => void): void {
    this.#kept.whenReleased(tryAgain);
  }

  /** What it may do. The same object as long as the principal stays, so that it can remember answers. */
  rights(authorizer: Authorizer): Rights {
    const { principal } = this;
    let known = this.#rights;
    if (known === null || known.principal !== principal || known.authorizer !== authorizer) {
      known = { principal, authorizer, rights: authorizer.rightsOf(principal, this.remoteHost) };
      this.#rights = known;
    }
    return known.rights;
  }

  /** The client has used more than its quota. */
  mute(untilMs: number): void {
    this.mutedUntilMs = Math.max(this.mutedUntilMs, untilMs);
  }
}
