/**
 * OAUTHBEARER messages with tokens that an issuer has signed, under keys of two kinds: only a token whose
 * signed part is as the issuer made it lets anybody in. And key sets as an issuer's endpoint might answer.
 */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { ConfigError } from '../../../broker/config/property.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { IssuerKeys } from '../../../broker/security/sasl/issuer-keys.ts';
import { bearerMessage } from '../../../broker/security/sasl/oauth-messages.ts';
import { bearerMechanism } from '../../../broker/security/sasl/oauth-server.ts';
import { signedJudge } from '../../../broker/security/sasl/signed-token.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { World } from '../../support/world.ts';
import { type FuzzTarget, must } from '../fuzz.ts';
import { mutated, mutatedText, oneOf } from '../mutate.ts';

const RULES = {
  subClaim: 'sub',
  scopeClaim: 'scope',
  clockSkewSeconds: 0,
  audiences: [],
  issuer: null,
} as const;
const CLAIMS = { sub: 'alice', iat: 900, exp: 2000, scope: ['a', 'b'] };
/** As good, but told from the issuer's. */
const STRANGE_CLAIMS = { ...CLAIMS, jti: 'made by a stranger' };
const NOW_MS = 1_000_000;
const KINDS = ['ES256', 'EdDSA'] as const;
const WORDS = [
  ...[
    '.',
    '..',
    '\x01',
    'auth=Bearer ',
    'n,a=bob,',
    'n,,',
    'e30',
    'bnVsbA',
    'W10',
    '=',
    'ext=1',
    'é',
    '-',
    '_',
  ],
  ...['{"alg":"none"}', '{"crit":["b64"],"b64":false}', '"alg":"HS256"', '"kid":', '"exp":1e999', 'null'],
];

interface SignedPart {
  readonly token: string;
  /** Header and claims. */
  readonly signed: string;
}

export const signedTokens: FuzzTarget = {
  name: 'signed-tokens',
  about: 'OAUTHBEARER messages with signed tokens',
  share: 60,
  async prepare() {
    const signers = await Promise.all(KINDS.map(newSigner));
    const stranger = await newSigner('ES256');
    const keys = keysOf(JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }));
    await keys.ready();
    const tokens = await Promise.all(signers.map(({ sign }) => sign()));
    const strange = await stranger.sign(STRANGE_CLAIMS);
    const judge = signedJudge(RULES, keys, { wallMs: () => NOW_MS });
    return async (random) => {
      const { token, signed } = oneOf(random, [...tokens, strange]);
      const shown = random.int(8) === 0 ? token : changedToken(random, token);
      const message = bearerMessage({ authorizationId: '', token: shown, extensions: new Map() });
      const exchange = bearerMechanism(judge).begin();
      const bytes = random.int(4) === 0 ? mutated(random, message, WORDS) : message;
      const step = await exchange.step(bytes);
      if (step.kind === 'done') {
        must(signed !== strange.signed, 'let in by a token that a stranger has signed');
        must(bytes.includes(`${signed}.`), 'let in by what its issuer has not signed');
        must(step.principal.name === 'alice', `let in as ${step.principal.name}`);
        return 'taken';
      }
      const last = step.kind === 'challenge' ? await exchange.step(Buffer.from('\x01')) : step;
      must(last.kind === 'failed', 'goes on after a bad token');
      must(shown !== token || bytes !== message || signed === strange.signed, 'kept out with a good token');
      return 'refused';
    };
  },
};

export const keySets: FuzzTarget = {
  name: 'key-sets',
  about: 'JSON in the place of an issuer’s key set, and a token to be judged by it',
  share: 20,
  async prepare() {
    const signers = await Promise.all(KINDS.map(newSigner));
    const whole = JSON.stringify({ keys: signers.map(({ jwk }) => jwk) });
    const { token } = (await signers[0]?.sign()) ?? { token: '' };
    return async (random) => {
      const keys = keysOf(
        mutatedText(random, whole, ['null', '[]', '{}', '"kty":"oct","k":"AA"', '"', ',', 'é']),
      );
      try {
        await keys.ready();
      } catch (error) {
        if (error instanceof ConfigError) return 'refused';
        throw error;
      } finally {
        keys.close();
      }
      const verdict = await signedJudge(RULES, keys, { wallMs: () => NOW_MS })(token);
      return verdict.kind === 'good' ? 'taken' : 'refused';
    };
  },
};

async function newSigner(algorithm: (typeof KINDS)[number]) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = `${algorithm} of the issuer`;
  return {
    jwk: { ...(await exportJWK(publicKey)), kid },
    sign: async (claims: JWTPayload = CLAIMS): Promise<SignedPart> => {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid }).sign(privateKey);
      return { token, signed: token.slice(0, token.lastIndexOf('.')) };
    },
  };
}

function keysOf(text: string): IssuerKeys {
  const url = new URL('https://issuer/keys');
  const configs = { config: 'jwks.url', url, refreshMs: 60_000, retryBackoffMs: 1, retryBackoffMaxMs: 0 };
  const { clock } = new World();
  return new IssuerKeys(configs, {
    read: async () => text,
    clock,
    diagnostics: recordingDiagnostics(() => {}),
  });
}

/** Some of its bytes, or what its parts say, written anew in Base64. */
function changedToken(random: Random, token: string): string {
  if (random.int(2) === 0) return mutatedText(random, token, WORDS);
  const parts = token.split('.');
  const which = random.int(2);
  const said = Buffer.from(parts[which] ?? '', 'base64url');
  parts[which] = mutated(random, said, WORDS).toString('base64url');
  return parts.join('.');
}
