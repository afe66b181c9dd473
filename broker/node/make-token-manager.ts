/** Delegation tokens: read before anybody logs in by one, and followed. Loaded by brokers that give them out. */
import { TokenFeed } from '../metadata/token-feed.ts';
import { tokenOf } from '../security/tokens/token.ts';
import { TokenLogins } from '../security/tokens/token-logins.ts';
import { TokenManager } from '../security/tokens/token-manager.ts';
import { TokenSet } from '../security/tokens/token-set.ts';
import type { Ground, Parts } from './parts.ts';

/** `secretKey`: what they are signed with. Rejects when those that are stored can't be read. */
export async function makeTokenManager(
  { platform, store, stops }: Ground,
  { config }: Pick<Parts, 'config'>,
  secretKey: string,
): Promise<Pick<Parts, 'tokenFeed' | 'tokens' | 'tokenLogins'>> {
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
