/** Tokens without a signature: whom they let in, and what each is refused for. */
import { describe, expect, it } from 'vitest';
import { unsecuredJudge } from '../../../broker/security/sasl/unsecured-token.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { unsecuredToken } from './unsecured-tokens.ts';

const NOW_MS = 1_000_000;
const GOOD = { sub: 'alice', exp: 1001.5, iat: 999 };

function verdictOf(token: string, options: Readonly<Record<string, string>> = {}) {
  const named = Object.entries(options).map(([name, value]) => [`unsecuredValidator${name}`, value] as const);
  return unsecuredJudge(new Map(named), 'jaas', { wallMs: () => NOW_MS })(token);
}

describe('a token', () => {
  it('lets its subject in until it expires', () => {
    expect(verdictOf(unsecuredToken(GOOD))).toEqual({
      kind: 'good',
      principal: 'alice',
      expiresAtMs: 1_001_500,
    });
  });

  it('that never ends is good as long as can be counted', () => {
    const token = unsecuredToken(GOOD).split('.');
    token[1] = Buffer.from('{"sub":"alice","exp":1e999}').toString('base64url');
    expect(verdictOf(token.join('.'))).toMatchObject({ expiresAtMs: Number.MAX_SAFE_INTEGER });
  });

  it('may name somebody, and what it is good for, in other claims', () => {
    const token = unsecuredToken({ exp: 2000, user: 'bob', roles: ['a', ' b '] });
    const options = { PrincipalClaimName: 'user', ScopeClaimName: 'roles', RequiredScope: 'b a' };
    expect(verdictOf(token, options)).toMatchObject({ kind: 'good', principal: 'bob' });
  });

  it('may be a little too old or too young where clocks are allowed to differ', () => {
    for (const claims of [
      { ...GOOD, exp: 999.5, iat: 900 },
      { ...GOOD, exp: 2000, iat: 1000.5 },
    ]) {
      expect(verdictOf(unsecuredToken(claims))).toMatchObject({ kind: 'bad' });
      expect(verdictOf(unsecuredToken(claims), { AllowableClockSkewMs: '600' })).toMatchObject({
        kind: 'good',
      });
    }
  });

  it.each([
    ['', 'three parts'],
    ['a.b', 'three parts'],
    ['a.b.c.d', 'three parts'],
    ['..', 'header'],
    ['e30.e30.', 'algorithm is not none'],
    [unsecuredToken(GOOD, { alg: 'HS256' }, 'c2ln'), 'algorithm is not none'],
    [unsecuredToken(GOOD, { alg: 'None' }), 'algorithm is not none'],
    [unsecuredToken(GOOD, { alg: 'none' }, 'c2ln'), 'yet it has a signature'],
    [`${unsecuredToken(GOOD).split('.')[0]}.%%.`, 'claims are no JSON'],
    [`${unsecuredToken(GOOD).split('.')[0]}.eyJ.`, 'claims are no JSON'],
    [unsecuredToken(null), 'no name in the claim sub'],
    [unsecuredToken({ ...GOOD, sub: ' ' }), 'no name in the claim sub'],
    [unsecuredToken({ ...GOOD, sub: 7 }), 'no name in the claim sub'],
    [unsecuredToken({ ...GOOD, exp: '2000' }), 'exp'],
    [unsecuredToken({ sub: 'alice' }), 'exp'],
    [unsecuredToken({ ...GOOD, exp: 1000 }), 'expired'],
    [unsecuredToken({ ...GOOD, iat: 'x' }), 'iat'],
    [unsecuredToken({ ...GOOD, iat: 1000.1 }), 'in the future'],
    [unsecuredToken({ ...GOOD, scope: 1 }), 'no scope'],
  ])('%s is no good', (token, reason) => {
    expect(verdictOf(token)).toMatchObject({
      kind: 'bad',
      missingScope: null,
      reason: expect.stringContaining(reason),
    });
  });

  it('that lacks a scope is told which ones it needs', () => {
    const token = unsecuredToken({ ...GOOD, scope: 'a b' });
    expect(verdictOf(token, { RequiredScope: 'a' })).toMatchObject({ kind: 'bad', missingScope: '[a]' });
    expect(verdictOf(unsecuredToken(GOOD), { RequiredScope: ' a  b ' })).toMatchObject({
      missingScope: '[a, b]',
    });
  });

  it('that chance has spoilt is never more than no good', () => {
    const random = simulatedRandom(3);
    const token = Buffer.from(unsecuredToken({ ...GOOD, scope: ['a'] }));
    const kinds = new Set<string>();
    for (let round = 0; round < 5000; round += 1) {
      const spoilt = Buffer.from(token);
      for (let times = random.int(4); times >= 0; times -= 1) {
        spoilt[random.int(spoilt.length)] = random.int(256);
      }
      const verdict = verdictOf(spoilt.toString('latin1'));
      if (!(verdict instanceof Promise)) kinds.add(verdict.kind);
    }
    expect([...kinds].sort()).toEqual(['bad', 'good']);
  });
});
