/** PLAIN: name and password against the users of a JAAS config. */
import { describe, expect, it } from 'vitest';
import { userNamed } from '../../../broker/security/principal.ts';
import { plainClient, plainMechanism } from '../../../broker/security/sasl/plain.ts';

const USERS = new Map([
  ['alice', 'secret'],
  ['bob', ''],
]);

function login(token: string | Buffer) {
  return plainMechanism(USERS).begin().step(Buffer.from(token));
}

describe('PLAIN', () => {
  it('lets in who knows the password of a user', async () => {
    const done = { kind: 'done', principal: userNamed('alice'), token: Buffer.alloc(0), expiresAtMs: null };
    const said = await plainClient('alice', 'secret').tokens().next();
    expect(login(said.value ?? '')).toEqual(done);
    expect(login('alice\0alice\0secret')).toEqual(done);
  });

  it.each([
    ['\0alice\0wrong', 'Authentication failed: Invalid username or password'],
    ['\0carol\0secret', 'Authentication failed: Invalid username or password'],
    ['\0carol\0', 'Authentication failed: password not specified'],
    ['\0bob\0', 'Authentication failed: password not specified'],
    ['\0\0secret', 'Authentication failed: username not specified'],
    ['bob\0alice\0secret', 'authorization id that is different from username'],
    ['alice\0secret', 'expected 3 tokens, got 2'],
    ['', 'expected 3 tokens, got 1'],
    ['\0alice\0secret\0', 'expected 3 tokens, got 4'],
    ['\0alice\0secret\0\0\0\0', 'expected 3 tokens, got 4'],
  ])('refuses %j', (token, told) => {
    expect(login(token)).toMatchObject({ kind: 'failed', told: expect.stringContaining(told) });
  });

  it('takes bytes that are no text for a wrong password', () => {
    expect(login(Buffer.from([0, 0xff, 0xfe, 0, 0xff]))).toMatchObject({ kind: 'failed' });
  });
});
