/** Logins by delegation tokens: the secret is the password, the owner who is logged in. */
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../broker/platform/random.ts';
import { scramClient } from '../../../broker/security/sasl/scram-client.ts';
import type { ScramMechanism } from '../../../broker/security/sasl/scram-formula.ts';
import { scramMechanism } from '../../../broker/security/sasl/scram-server.ts';
import { TokenLogins } from '../../../broker/security/tokens/token-logins.ts';
import { TokenSet } from '../../../broker/security/tokens/token-set.ts';
import { World } from '../../support/world.ts';

const ALICE = { type: 'User', name: 'alice' };
const DAY_MS = 86_400_000;

const world = World.flowing();

function tokens(): TokenSet {
  const set = new TokenSet('of all brokers');
  const issuedMs = world.clock.wallMs();
  const times = { issuedMs, expiryMs: issuedMs + DAY_MS, maxMs: issuedMs + DAY_MS };
  set.put({ tokenId: 'one', owner: ALICE, requester: ALICE, renewers: [], ...times });
  set.put({ tokenId: 'old', owner: ALICE, requester: ALICE, renewers: [], ...times, expiryMs: issuedMs - 1 });
  return set;
}

/** How the login ends. */
async function login(mechanism: ScramMechanism, tokenId: string, password: string, logins: TokenLogins) {
  const lookup = {
    user: () => undefined,
    token: (asked: ScramMechanism, id: string) => logins.of(asked, id),
  };
  const exchange = scramMechanism({ mechanism, lookup, random: systemRandom }).begin();
  const client = { mechanism, user: tokenId, password, tokenAuthentication: true, random: systemRandom };
  const dialogue = scramClient(client).tokens();
  let said = await dialogue.next(Buffer.alloc(0));
  for (;;) {
    const step = await exchange.step(said.value as Buffer);
    if (step.kind !== 'challenge') return step;
    said = await dialogue.next(step.token);
  }
}

describe('a login by a token', () => {
  const set = tokens();
  const secret = set.credentialOf('one', world.clock.wallMs())?.password ?? '';
  const logins = new TokenLogins(set, { clock: world.clock, random: systemRandom });

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
    'by %s is one of its owner, until it expires',
    async (mechanism) => {
      expect(await login(mechanism, 'one', secret, logins)).toMatchObject({
        kind: 'done',
        principal: { ...ALICE, tokenAuthenticated: true },
        expiresAtMs: world.clock.wallMs() + DAY_MS,
      });
    },
  );

  it('needs the secret, a token, and one that lives', async () => {
    for (const [tokenId, password] of [
      ['one', 'guess'],
      ['two', secret],
      ['old', secret],
    ] as const) {
      expect(await login('SCRAM-SHA-256', tokenId, password, logins)).toMatchObject({ kind: 'failed' });
    }
  });

  it('uses the same credential again, while there is the token', async () => {
    const [first, second] = [
      await logins.of('SCRAM-SHA-256', 'one'),
      await logins.of('SCRAM-SHA-256', 'one'),
    ];
    expect(second?.credential).toBe(first?.credential);
    set.remove('one');
    expect(await logins.of('SCRAM-SHA-256', 'one')).toBeUndefined();
  });
});
