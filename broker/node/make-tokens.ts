/** Delegation tokens: read before anybody logs in by one, followed from then on, and removed once they expire. */
import { TokenFeed } from '../metadata/token-feed.ts';
import { every } from '../platform/clock.ts';
import { tokenOf } from '../security/tokens/token.ts';
import { TokenLogins } from '../security/tokens/token-logins.ts';
import { TokenManager } from '../security/tokens/token-manager.ts';
import { TokenSet } from '../security/tokens/token-set.ts';
import type { Ground, Parts } from './parts.ts';

/** Without delegation.token.secret.key there are none. */
export async function makeTokens(
  { platform, store, stops }: Ground,
  { config }: Pick<Parts, 'config'>,
): Promise<Pick<Parts, 'tokenFeed' | 'tokens' | 'tokenLogins'>> {
  const secretKey = config.delegationTokenSecretKey ?? config.delegationTokenMasterKey ?? '';
  if (secretKey === '') return { tokenFeed: null, tokens: null, tokenLogins: null };
  const { clock, random } = platform;
  const diagnostics = platform.diagnostics.named('DelegationTokenManager');
  const tokens = new TokenSet(secretKey);
  const tokenFeed = new TokenFeed({
    clock,
    diagnostics,
    onAll: (stored) => tokens.replaceAll(stored.map(tokenOf).filter((token) => token !== null)),
    onToken(tokenId, stored) {
      const token = stored === null ? null : tokenOf(stored);
      if (token === null) tokens.remove(tokenId);
      else tokens.put(token);
    },
  });
  await tokenFeed.start(store());
  stops.push({ name: 'the feed of delegation tokens', stop: () => tokenFeed.stop() });
  const manager = new TokenManager({
    store: () => store().tokens,
    tokens,
    maxLifetimeMs: config.delegationTokenMaxLifetimeMs,
    renewalMs: config.delegationTokenExpiryTimeMs,
    clock,
    random,
    diagnostics,
  });
  return { tokenFeed, tokens: manager, tokenLogins: new TokenLogins(tokens, { clock, random }) };
}

/** Looks for expired tokens now and then; only the controller does. */
export function removeExpiredTokens(
  { platform: { clock, diagnostics }, stops }: Ground,
  { config, controller, tokens }: Pick<Parts, 'config' | 'controller' | 'tokens'>,
): void {
  if (tokens === null) return;
  const failed = (error: unknown): void => diagnostics.warn('expired tokens could not be removed', error);
  const look = (): void => {
    if (controller.isActive) tokens.removeExpired().catch(failed);
  };
  const timer = every(clock, config.delegationTokenExpiryCheckIntervalMs, look, failed);
  stops.push({ name: 'the removal of expired tokens', stop: () => timer.cancel() });
}
