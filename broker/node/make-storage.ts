/**
 * Log directories first, because they say which broker it is; then, once its configs are known, the logs
 * in them. Source: KafkaServer.startup, where LogManager is made after the broker id and the dynamic configs.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { LogDirectories } from '../log/log-directories.ts';
import { LogManager } from '../log/log-manager.ts';
import { hearOfNativeModules } from '../platform/native-module.ts';
import { identify } from './identity.ts';
import type { Ground, Parts } from './parts.ts';

interface Claimed {
  readonly directories: LogDirectories;
  /** The configuration with the id that the broker has from here on. */
  readonly config: BrokerConfig;
}

/** Locks the directories and claims them for this broker. Rejects when they are somebody else's. */
export async function claimDirectories(
  { platform, store, stops }: Ground,
  config: BrokerConfig,
  clusterId: string,
): Promise<Claimed> {
  const { disk, diagnostics, journal } = platform;
  const directories = new LogDirectories({
    disk,
    diagnostics: diagnostics.named('LogManager'),
    journal: journal.named('LogManager'),
    paths: config.logDirs,
  });
  // For a start that fails before there are logs; where there are, their stop has released them already.
  stops.push({ name: 'the log directories', stop: () => directories.release() });
  return { directories, config: await identify(config, clusterId, store(), directories) };
}

/** All logs, loaded, and recovered where the last stop was not clean. */
export async function makeLogs(
  { platform, stops }: Ground,
  { config, configs, directories }: Pick<Parts, 'config' | 'configs'> & Pick<Claimed, 'directories'>,
): Promise<LogManager> {
  const topicConfig = configs.topicConfig.bind(configs);
  const logs = new LogManager({
    ...platform,
    config,
    liveConfig: configs.live,
    directories,
    topicConfig,
  });
  // They are loaded with the first batch that needs them, which may be one that is recovered.
  hearOfNativeModules((line) => platform.diagnostics.warn(line));
  // Pushed before they are loaded: what a load that fails has opened must be closed.
  stops.push({ name: 'the logs', stop: () => logs.shutdown() });
  await logs.start();
  return logs;
}
