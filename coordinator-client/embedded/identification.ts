/**
 * Whom a connection has proved to be: its address from the start, the name in its certificate, what it has
 * logged in as. Source: ProviderRegistry with the authentication providers of ZooKeeper.
 */
import { DigestError } from '../sasl/digest-formula.ts';
import { DigestServer } from '../sasl/digest-server.ts';
import { digestId, type Identity, SUPER_USER } from '../tree/acl.ts';
import type { ResolvedOptions } from './options.ts';

/** `null` as a token: no login by SASL is offered here, which clients are told so. */
type SaslAnswer = { readonly ok: true; readonly token: Buffer | null } | { readonly ok: false };

export class Identification {
  /** Never empty, and never shorter than it was. */
  identities: readonly Identity[];
  readonly #options: ResolvedOptions;
  /** The login by SASL that is under way, or has been. */
  #sasl: DigestServer | null = null;

  /** `certificate`: the name in the one that was shown. */
  constructor(options: ResolvedOptions, address: string, certificate: string | null) {
    this.#options = options;
    this.identities = [{ scheme: 'ip', id: address }];
    if (certificate !== null) this.#add({ scheme: 'x509', id: certificate });
  }

  /** Whether requests of the session are taken. */
  get isEnough(): boolean {
    return !this.#options.requireSasl || this.identities.some(({ scheme }) => scheme === 'sasl');
  }

  /** What an auth packet says; false: it is not believed. */
  addAuthInfo(scheme: string, credentials: Buffer): boolean {
    if (scheme === 'ip') return true; // known from the connection
    if (scheme !== 'digest') return false;
    const id = digestId(credentials.toString('utf8'));
    if (id === this.#options.superDigest) this.#add(SUPER_USER);
    this.#add({ scheme, id });
    return this.identities.length <= this.#options.maxIdentitiesPerConnection;
  }

  /** The next token of a login by SASL. */
  sasl(token: Buffer): SaslAnswer {
    const { saslUsers } = this.#options;
    if (saslUsers === null) return { ok: true, token: null };
    // An empty token begins: a client may log in again on the same connection.
    if (token.length === 0 || this.#sasl === null) this.#sasl = new DigestServer(saslUsers);
    try {
      const step = this.#sasl.next(token);
      if (step.kind === 'accepted') this.#add({ scheme: 'sasl', id: step.user });
      return { ok: true, token: step.token };
    } catch (error) {
      if (!(error instanceof DigestError)) throw error;
      return { ok: false };
    }
  }

  #add(identity: Identity): void {
    const isKnown = this.identities.some(
      ({ scheme, id }) => scheme === identity.scheme && id === identity.id,
    );
    if (!isKnown) this.identities = [...this.identities, identity];
  }
}
