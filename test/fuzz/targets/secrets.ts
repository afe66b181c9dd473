/**
 * Who may log in where logins are fuzzed, and clients that know the secret or a wrong one: one for each
 * mechanism, and one with a delegation token.
 */
import type { Random } from '../../../broker/platform/random.ts';
import type { SaslClient } from '../../../broker/protocol/login.ts';
import { userNamed } from '../../../broker/security/principal.ts';
import { bearerClient } from '../../../broker/security/sasl/oauth-client.ts';
import { plainClient } from '../../../broker/security/sasl/plain.ts';
import { newScramCredential } from '../../../broker/security/sasl/scram-credential.ts';
import type { ScramLookup } from '../../../broker/security/sasl/scram-credentials.ts';
import {
  clientKey,
  proofOrKey,
  SCRAM_MECHANISMS,
  type ScramMechanism,
  saltedPassword,
  scramKeys,
} from '../../../broker/security/sasl/scram-formula.ts';
import {
  authMessage,
  clientFinalWithoutProof,
  clientFirst,
  parseServerFirst,
} from '../../../broker/security/sasl/scram-messages.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { unsecuredToken } from '../../unit/security/unsecured-tokens.ts';

export interface Conversation {
  readonly mechanism: string;
  /** Who the client is when it is let in; null: whoever its token has become on the way, as nobody has signed it. */
  readonly mayBe: string | null;
  readonly tokens: SaslClient['tokens'];
}

/** So long that no mutation makes one of the other. */
export const SECRETS = {
  right: 'mQ2xYz81pWnR5tKa',
  other: 'h3LdVb07sGfJ6uEo',
  wrong: 'Tc9oNi42rBqX8wMk',
  scope: 'c7PzHs53yAgD1vUj',
} as const;

/** Words of these languages, for mutations. */
export const WORDS = [
  ...[
    '\0',
    '\x01',
    ',',
    '=',
    'n,,',
    'n,a=bob,',
    'y,,',
    'p=tls-unique,,',
    'n=',
    'r=',
    'c=biws',
    'p=',
    'e=',
    'm=x,',
  ],
  ...[
    ',tokenauth=true',
    '=2C',
    '=3D',
    'auth=Bearer ',
    'bob',
    'alice',
    'PLAIN',
    'OAUTHBEARER',
    'SCRAM-SHA-512',
  ],
  ...['ä', '\ud800', '\u{1f511}', 'A'.repeat(70_000), '=='],
];

const TOKEN_ID = 'dG9rZW4taWQtb2YtYWxpY2U';
const ITERATIONS = 4096;
/** Passwords once salted: clients compute that again at each login, which would take all the time there is. */
const SALTED = new Map<string, Buffer>();

/** alice's credential, bob's, and that of a token of alice's. */
export async function scramLookup(): Promise<ScramLookup> {
  const random = simulatedRandom(5802);
  const made = new Map<string, Awaited<ReturnType<typeof newScramCredential>>>();
  for (const mechanism of SCRAM_MECHANISMS) {
    for (const [name, password] of [
      ['alice', SECRETS.right],
      ['bob', SECRETS.other],
      [TOKEN_ID, SECRETS.right],
    ] as const) {
      const credential = await newScramCredential(mechanism, password, ITERATIONS, random);
      made.set(`${mechanism} ${name}`, credential);
      for (const known of [SECRETS.right, SECRETS.wrong]) {
        const salted = await saltedPassword(mechanism, known, credential.salt, ITERATIONS);
        SALTED.set(`${mechanism} ${credential.salt.toString('base64')} ${known}`, salted);
      }
    }
  }
  return {
    user: (mechanism, name) => (name === TOKEN_ID ? undefined : made.get(`${mechanism} ${name}`)),
    token: async (mechanism, tokenId) => {
      const credential = tokenId === TOKEN_ID ? made.get(`${mechanism} ${tokenId}`) : undefined;
      return credential && { credential, owner: userNamed('carol'), expiresAtMs: Number.MAX_SAFE_INTEGER };
    },
  };
}

/** Clients; they know the secret, or a wrong one. */
export const conversations: readonly ((knows: boolean, random: Random) => Conversation)[] = [
  (knows) => ({ ...plainClient('alice', passwordOf(knows)), mayBe: 'alice' }),
  (knows) => ({ ...bearerClient(async () => bearerToken(knows), new Map([['traceId', '7']])), mayBe: null }),
  (knows, random) => scramConversation(knows, random, 'alice'),
  (knows, random) => scramConversation(knows, random, TOKEN_ID),
];

function passwordOf(knows: boolean): string {
  return knows ? SECRETS.right : SECRETS.wrong;
}

/** Of a scope that is asked for: what a token without a signature can know that others don't. */
function bearerToken(knows: boolean): string {
  return unsecuredToken({ sub: 'alice', exp: 4_000_000_000, scope: [knows ? SECRETS.scope : SECRETS.wrong] });
}

function scramConversation(knows: boolean, random: Random, user: string): Conversation {
  const mechanism = SCRAM_MECHANISMS[random.int(SCRAM_MECHANISMS.length)] ?? 'SCRAM-SHA-256';
  const isToken = user === TOKEN_ID;
  const extensions = new Map(isToken ? [['tokenauth', 'true']] : []);
  return {
    mechanism,
    mayBe: isToken ? 'carol' : user,
    async *tokens() {
      const first = clientFirst(user, random.bytes(12).toString('hex'), extensions);
      const answer = parseServerFirst(yield Buffer.from(first.text));
      if (answer === null) return;
      const salted = SALTED.get(`${mechanism} ${answer.salt.toString('base64')} ${passwordOf(knows)}`);
      if (salted === undefined) return;
      yield finalMessage(mechanism, salted, first.bare, answer);
    },
  };
}

function finalMessage(
  mechanism: ScramMechanism,
  salted: Buffer,
  bare: string,
  { text, nonce }: { readonly text: string; readonly nonce: string },
): Buffer {
  const withoutProof = clientFinalWithoutProof(nonce);
  const { storedKey } = scramKeys(mechanism, salted);
  const signed = authMessage(bare, text, withoutProof);
  const proof = proofOrKey(mechanism, storedKey, signed, clientKey(mechanism, salted));
  return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
}
