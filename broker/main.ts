/**
 * One broker as a process: properties in, a running broker out. What is wrong with the properties is
 * one line; a fault that nobody caught ends the process, as a broker in an unknown state helps nobody.
 */
import { hostname } from 'node:os';
import { CoordinatorError } from '../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../coordinator-client/zookeeper/zookeeper.ts';
import { Broker } from './broker.ts';
import { type BrokerConfig, brokerConfig } from './config/broker-config.ts';
import { parseProperties } from './config/java-properties.ts';
import { ConfigError } from './config/property.ts';
import { isWithoutEffect } from './config/without-effect.ts';
import { giveBackSpareMemory } from './platform/spare-memory.ts';
import { systemPlatform } from './platform/system-platform.ts';

export interface RunningBroker {
  /** What is wrong with the configuration; then nothing runs. */
  readonly problem: string | null;
  /** Port of the first listener. */
  readonly port: number;
  readonly peerPort: number;
  /** Stops cleanly; the exit status. */
  shutdown(): Promise<number>;
}

/** Long enough for those who waited for the broker to have been served. */
const SPARE_MEMORY_AFTER_MS = 1000;

/** Starts a broker from the text of a server.properties file; rejects when it can't start. */
export async function runBroker(
  text: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<RunningBroker> {
  let config: BrokerConfig;
  try {
    config = brokerConfig(new Map([...parseProperties(text), ...Object.entries(overrides)]));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problem: error.message, port: -1, peerPort: -1, shutdown: () => Promise.resolve(2) };
  }
  const platform = systemPlatform();
  const { diagnostics } = platform;
  for (const key of config.unknownKeys)
    diagnostics.warn(`The configuration '${key}' was supplied but isn't a known config.`);
  for (const key of config.raw.keys()) {
    if (isWithoutEffect(key)) diagnostics.warn(`The configuration '${key}' is known but has no effect here.`);
  }
  process.on('uncaughtException', (error) => {
    diagnostics.fatal('A fault that nobody caught; the broker ends here', error);
    process.exit(1);
  });
  const broker = new Broker({
    config,
    platform,
    hostName: hostname(),
    ended: () => process.exit(1),
    coordinators: zookeeperSource({
      connect: config.zookeeperConnect,
      sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
      connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
      maxInFlightRequests: config.zookeeperMaxInFlightRequests,
      log: (message) => diagnostics.named('ZooKeeperClient').debug(message),
    }),
  });
  await broker.start().catch((error: unknown) => {
    if (!(error instanceof CoordinatorError)) throw error;
    throw new Error(`ZooKeeper at ${config.zookeeperConnect} can't be used: ${error.message}`);
  });
  const spare = platform.clock.after(SPARE_MEMORY_AFTER_MS, giveBackSpareMemory);
  return {
    problem: null,
    port: [...broker.ports.values()][0] ?? -1,
    peerPort: broker.peerPort,
    async shutdown() {
      spare.cancel();
      await broker.shutdown();
      return 0;
    },
  };
}
