/** Delegation tokens, and their removal once they expire. */
import { every } from '../platform/clock.ts';
import type { Ground, Parts } from './parts.ts';

/** Without delegation.token.secret.key there are none. */
export async function makeTokens(
  ground: Ground,
  parts: Pick<Parts, 'config'>,
): Promise<Pick<Parts, 'tokenFeed' | 'tokens' | 'tokenLogins'>> {
  const { delegationTokenSecretKey, delegationTokenMasterKey } = parts.config;
  const secretKey = delegationTokenSecretKey ?? delegationTokenMasterKey ?? '';
  if (secretKey === '') return { tokenFeed: null, tokens: null, tokenLogins: null };
  const { makeTokenManager } = await import('./make-token-manager.ts');
  return makeTokenManager(ground, parts, secretKey);
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
