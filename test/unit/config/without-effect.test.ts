/** No option is parsed and silently ignored: each has an effect, is refused, or says that it has none. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BROKER_CONFIGS, brokerConfig } from '../../../broker/config/broker-config.ts';
import { TOPIC_CONFIGS } from '../../../broker/config/definitions/topic.ts';
import { topicSynonyms } from '../../../broker/config/synonyms.ts';
import { isRefused, isWithoutEffect } from '../../../broker/config/without-effect.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** All of the broker's code but what defines and judges configs. */
function readers(): string {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'broker'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return files
    .split('\n')
    .filter(
      (name) =>
        name.endsWith('.ts') &&
        !/config\/(definitions\/|synonyms|without-effect|thread-counts|consistency)/.test(name),
    )
    .map((name) => readFileSync(join(ROOT, name), 'utf8'))
    .join('\n');
}

describe('every broker config', () => {
  const code = readers();
  const behindTopics = new Set(
    Object.keys(TOPIC_CONFIGS).flatMap((name) => topicSynonyms(name).map((synonym) => synonym.name)),
  );
  const isRead = (name: string): boolean => {
    const field = name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
    return new RegExp(`\\b${field}\\b`).test(code) || code.includes(`'${name}'`);
  };

  it('is read by the broker, stands behind a topic config, is refused, or is named as without effect', () => {
    const silent = Object.keys(BROKER_CONFIGS).filter(
      (name) => !isRead(name) && !behindTopics.has(name) && !isRefused(name) && !isWithoutEffect(name),
    );
    expect(silent).toEqual([]);
  });

  it('that is named as without effect is really not read', () => {
    const read = Object.keys(BROKER_CONFIGS).filter((name) => isWithoutEffect(name) && isRead(name));
    expect(read).toEqual([]);
  });

  it('whose absence would be dangerous stops the broker', () => {
    const base = new Map([['zookeeper.connect', 'localhost:2181']]);
    const given = (name: string, value: string) => () => brokerConfig(new Map([...base, [name, value]]));
    const kafkas = 'kafka.security.authorizer.AclAuthorizer';
    expect(given('authorizer.class.name', 'com.example.Mine')).toThrow(`must be left out or be ${kafkas}`);
    expect(given('authorizer.class.name', kafkas)).not.toThrow();
    expect(given('authorizer.zookeeper.url', 'other:2181')).toThrow('authorizer.zookeeper.url');
    expect(given('zookeeper.ssl.crl.enable', 'true')).toThrow('must be false');
    expect(given('zookeeper.ssl.crl.enable', 'false')).not.toThrow();
  });
});
