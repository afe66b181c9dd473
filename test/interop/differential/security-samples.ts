/** Requests about logins, access rules and tokens, by API key. They do no harm, as samples.ts says. */
import type { Sample } from './world.ts';

const aclFilter = {
  resourceTypeFilter: 2,
  resourceNameFilter: 'plain',
  principalFilter: 'User:a',
  hostFilter: '*',
  operation: 3,
  permissionType: 3,
};

export const SECURITY_SAMPLES: Readonly<Record<number, readonly Sample[]>> = {
  29: [{ name: 'some', request: () => aclFilter }],
  30: [
    {
      name: 'one',
      request: () => ({
        creations: [
          {
            resourceType: 2,
            resourceName: 'plain',
            principal: 'User:a',
            host: '*',
            operation: 3,
            permissionType: 3,
          },
        ],
      }),
    },
  ],
  31: [{ name: 'some', request: () => ({ filters: [aclFilter] }) }],
  36: [{ name: 'some', request: () => ({ authBytes: Buffer.from('\0user\0password') }) }],
  38: [
    {
      name: 'of oneself',
      request: () => ({ renewers: [{ principalType: 'User', principalName: 'bob' }], maxLifetimeMs: -1 }),
    },
    {
      name: 'of another',
      from: 3,
      request: () => ({
        ownerPrincipalType: 'User',
        ownerPrincipalName: 'bob',
        renewers: [],
        maxLifetimeMs: 1000,
      }),
    },
  ],
  39: [{ name: 'some', request: () => ({ hmac: Buffer.from('hmac'), renewPeriodMs: 1000 }) }],
  40: [{ name: 'some', request: () => ({ hmac: Buffer.from('hmac'), expiryTimePeriodMs: 1000 }) }],
  41: [
    { name: 'all', request: () => ({ owners: null }) },
    { name: 'some', request: () => ({ owners: [{ principalType: 'User', principalName: 'bob' }] }) },
  ],
  50: [{ name: 'one who is not there', request: () => ({ users: [{ name: 'nobody' }] }) }],
  51: [
    {
      name: 'of one who has none',
      request: () => ({ deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] }),
    },
  ],
};
