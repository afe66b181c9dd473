/** What may change while the broker runs is followed: by type, and by somebody for every config. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BROKER_CONFIGS, brokerConfig, type FixedConfig } from '../../../broker/config/broker-config.ts';
import { TOPIC_CONFIGS } from '../../../broker/config/definitions/topic.ts';
import { isListenerConfig } from '../../../broker/config/listener-config.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import { camelCase } from '../../../broker/config/property.ts';
import { topicSynonyms } from '../../../broker/config/synonyms.ts';
import {
  isEffectiveFromNextStart,
  isRefused,
  isWithoutEffect,
} from '../../../broker/config/without-effect.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'broker'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file.endsWith('.ts') && !file.startsWith('broker/config/'))
  .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);

/** Where a configuration is a whole one of a moment: before the broker runs, and where the Live comes from. */
const OF_A_MOMENT = new Set([
  'broker/main.ts',
  'broker/broker.ts',
  'broker/node/identity.ts',
  'broker/node/jaas-file-logins.ts',
  'broker/node/dynamic-configs.ts',
  'broker/node/make-configs.ts',
  'broker/node/make-storage.ts',
]);

const OF_TOPICS = new Set(
  Object.keys(TOPIC_CONFIGS).flatMap((name) => topicSynonyms(name).map((synonym) => synonym.name)),
);

describe('a live value', () => {
  it('is another one after a change; who has taken the one before keeps it', () => {
    const live = new LiveValue({ limit: 1 });
    const taken = live.now;
    live.set({ limit: 2 });
    expect([taken.limit, live.now.limit]).toEqual([1, 2]);
  });

  it('tells of every change those who want to hear of it, until they do not', () => {
    const live = new LiveValue(1);
    const heard: string[] = [];
    const endFirst = live.onChange((now) => heard.push(`first ${now}`));
    live.onChange((now) => heard.push(`second ${now}, ${live.now}`));
    live.set(2);
    endFirst();
    live.set(3);
    expect(heard).toEqual(['first 2', 'second 2, 2', 'second 3, 3']);
  });
});

describe('a broker config that can be set while the broker runs', () => {
  const changing = Object.keys(BROKER_CONFIGS).filter((name) => BROKER_CONFIGS[name]?.update !== 'read-only');

  it('is read through Live, is one of topics, is said to wait for the next start, or to have no effect', () => {
    const unfollowed = changing.filter((name) => {
      if (isWithoutEffect(name) || isRefused(name) || isEffectiveFromNextStart(name)) return false;
      // Those of listeners are made anew, as a whole, of the texts of the moment (config/listener-config.ts).
      const ofListener = isListenerConfig(name) ? `|\\bvalues\\.${camelCase(name)}\\b|'${name}'` : '';
      const read = new RegExp(`\\bnow\\.${camelCase(name)}\\b${ofListener}`);
      return !OF_TOPICS.has(name) && !SOURCES.some(([, text]) => read.test(text));
    });
    expect(changing.length).toBeGreaterThan(50);
    expect(unfollowed).toEqual([]);
  });

  it('and is said to wait for the next start is read as it was at this one', () => {
    const waiting = changing.filter(isEffectiveFromNextStart).map(camelCase);
    const byName = new RegExp(`\\bnow\\.(${waiting.join('|')})\\b`);
    // Made of the moment when all configs were read first.
    const others = SOURCES.filter(([file]) => file !== 'broker/node/make-configs.ts');
    const live = others.filter(([, text]) => byName.test(text) || /\blive\.now[,)]/.test(text));
    expect(waiting).toContain('logCleanerThreads');
    expect(live.map(([file]) => file)).toEqual([]);
  });

  it('is none of those that a part is given for good', () => {
    const config: FixedConfig = brokerConfig(new Map([['zookeeper.connect', 'localhost:2181']]));
    // @ts-expect-error: cluster-wide.
    expect(config.maxConnections).toBeDefined();
    // @ts-expect-error: per broker.
    expect(config.sslKeystoreType).toBeDefined();
    // @ts-expect-error: derived from several, all of which can be set.
    expect(config.logRetentionMs).toBeDefined();
    expect([config.numPartitions, config.listeners.length]).toEqual([1, 1]);
  });

  it('reaches no part in a whole configuration that does not change with it', () => {
    const whole = SOURCES.filter(([file]) => !OF_A_MOMENT.has(file)).flatMap(([file, text]) => {
      const followed = text
        .replaceAll(/^import[^;]*;/gm, '')
        .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .replaceAll(/Live<\s*(Pick<\s*)?BrokerConfig\b/g, '');
      return /\bBrokerConfig\b/.test(followed) ? [file] : [];
    });
    expect(whole).toEqual([]);
  });
});
