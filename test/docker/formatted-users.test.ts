/** What `kafka-storage format` is told of first users, and what it leaves of them until the broker takes them. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namedScramWords } from '../../scripts/cli/configs/scram-words.ts';
import {
  forgetFormattedUsers,
  formattedClusterId,
  formattedHome,
  formattedUsers,
  isFormatted,
  writeFormatted,
} from '../../scripts/docker/tools/formatted.ts';

describe('a user on a command line', () => {
  it.each([
    ['SCRAM-SHA-512=[name=app-user,password=userPassword]', 'app-user', 4096, 'userPassword'],
    ['SCRAM-SHA-256=[name="admin",password="admin-secret"]', 'admin', 4096, 'admin-secret'],
    ['SCRAM-SHA-256=[password=a=b],iterations=8192, name=admin]', 'admin', 8192, 'a=b]'],
  ])('%s', (text, user, iterations, password) => {
    const mechanism = text.slice(0, text.indexOf('='));
    expect(namedScramWords(text, '--add-scram')).toEqual({ mechanism, user, iterations, password });
  });

  it.each([
    'SCRAM-SHA-256=[password=x]',
    'SCRAM-SHA-256=[name=a]',
    'SCRAM-SHA-256=[name=a,password=x,y]',
    'SCRAM-SHA-1=[name=a,password=x]',
    'SCRAM-SHA-256=[name=a,salt=c2FsdA==,saltedpassword=cA==]',
  ])('is refused as %s, with what is taken', (text) => {
    expect(() => namedScramWords(text, '--add-scram')).toThrow(
      '--add-scram takes MECHANISM=[name=USER,iterations=N,password=TEXT], with SCRAM-SHA-256 or SCRAM-SHA-512',
    );
  });

  it('is refused with fewer iterations than Kafka takes', () => {
    const text = 'SCRAM-SHA-256=[name=a,iterations=1,password=x]';
    expect(() => namedScramWords(text, '--add-scram')).toThrow('iterations must be from 4096');
  });
});

describe('what is left beside the log directory', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'odradek-formatted-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  it('is beside the first of several', () => {
    expect(formattedHome(new Map([['log.dirs', '/a/b/data,/c/d']]))).toBe('/a/b');
  });

  it('is an id, and users until they are stored, for nobody else to read', () => {
    expect([isFormatted(home), formattedClusterId(home), formattedUsers(home)]).toEqual([false, '', {}]);
    const users = { alice: { 'SCRAM-SHA-256': 'salt=c2FsdA==' } };
    writeFormatted(home, '4L6g3nShT-eMCtK--X86sw', users);
    expect([isFormatted(home), formattedClusterId(home)]).toEqual([true, '4L6g3nShT-eMCtK--X86sw']);
    expect(formattedUsers(home)).toEqual(users);
    expect(statSync(join(home, 'users.json')).mode & 0o077).toBe(0);
    forgetFormattedUsers(home);
    expect(formattedUsers(home)).toEqual({});
    expect(readFileSync(join(home, 'cluster.id'), 'utf8')).toBe('4L6g3nShT-eMCtK--X86sw\n');
  });
});
