/** In whose name the requests of a connection come. */
import { describe, expect, it } from 'vitest';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { type Authorizer, EVERY_RIGHT } from '../../../broker/security/authorizer.ts';
import { ANONYMOUS } from '../../../broker/security/principal.ts';

const ORIGIN = {
  id: 'c1',
  listener: 'INSIDE',
  remoteHost: '10.0.0.1',
  securityProtocol: 'SASL_PLAINTEXT',
} as const;
const ALICE = { type: 'User', name: 'alice' };

describe('a session', () => {
  it('is that of ANONYMOUS from its start where the listener asks for no name', () => {
    const session = new ClientSession({ ...ORIGIN, securityProtocol: 'PLAINTEXT' });
    expect(session.isAuthenticated).toBe(true);
    expect(session.principal).toEqual(ANONYMOUS);
  });

  it('is nobody’s where a client has to log in, and then that of whom it has proved to be', () => {
    const session = new ClientSession(ORIGIN, null);
    expect(session.isAuthenticated).toBe(false);
    expect(session.principal).toEqual(ANONYMOUS);
    session.authenticated(ALICE);
    expect(session.isAuthenticated).toBe(true);
    expect(session.principal).toEqual(ALICE);
  });

  it('is held to the quotas of its new name, whatever it was held to before', () => {
    const quotas = new ClientQuotas({
      quotaWindowNum: 11,
      quotaWindowSizeSeconds: 1,
      controllerQuotaWindowNum: 11,
      controllerQuotaWindowSizeSeconds: 1,
      clientQuotaMaxSensors: 100,
      metricsNumSamples: 2,
      metricsSampleWindowMs: 30_000,
    });
    quotas.configured({ type: 'users', name: 'alice' }, new Map([['producer_byte_rate', '1024.0']]));
    const session = new ClientSession(ORIGIN, null);
    const limit = () => session.quotaSensors(quotas, 'app').of('produce', 0).limit;
    expect(limit()).toBeGreaterThan(1024);
    session.authenticated(ALICE);
    expect(limit()).toBe(1024);
  });

  it('has the rights of its name, asked for once as long as it stays', () => {
    const asked: string[] = [];
    const authorizer: Authorizer = {
      rightsOf({ name }, host) {
        asked.push(`${name} ${host}`);
        return EVERY_RIGHT;
      },
    };
    const session = new ClientSession(ORIGIN, null);
    session.authenticated(ALICE);
    session.rights(authorizer);
    session.rights(authorizer);
    session.authenticated({ type: 'User', name: 'bob' });
    session.rights(authorizer);
    expect(asked).toEqual([`alice ${ORIGIN.remoteHost}`, `bob ${ORIGIN.remoteHost}`]);
  });
});
