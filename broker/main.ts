/**
 * One broker as a process: properties in, a running broker out. What is wrong with the properties is
 * one line; a fault that nobody caught ends the process, as a broker in an unknown state helps nobody.
 */
import { hostname } from 'node:os';
import { CoordinatorError } from '../coordinator-client/coordinator.ts';
import { parseConnectString } from '../coordinator-client/zookeeper/connect-string.ts';
import { zookeeperSource } from '../coordinator-client/zookeeper/zookeeper.ts';
import { Broker } from './broker.ts';
import { type BrokerConfig, brokerConfig } from './config/broker-config.ts';
import { parseProperties } from './config/java-properties.ts';
import { ConfigError } from './config/property.ts';
import { isWithoutEffect } from './config/without-effect.ts';
import type { Vulnerable } from './faults/fault-kind.ts';
import type { Supervisor } from './faults/supervisor.ts';
import { RequestFaults } from './network/request-faults.ts';
import { securedListener } from './node/listener-security.ts';
import type { Diagnostics } from './platform/diagnostics.ts';
import { hurtable } from './platform/faulty/hurtable.ts';
import type { Journal } from './platform/journal.ts';
import { watchLoopDelay } from './platform/loop-delay.ts';
import { nodeDisk } from './platform/node-disk.ts';
import { ownProcess } from './platform/own-process.ts';
import type { Platform } from './platform/platform.ts';
import { systemRandom } from './platform/random.ts';
import { giveBackSpareMemory } from './platform/spare-memory.ts';
import { systemPlatform } from './platform/system-platform.ts';
import { dialThrough } from './platform/zookeeper-lines.ts';
import { javaStores } from './security/tls/java-stores.ts';

interface RunningBroker {
  /** What is wrong with the configuration; then nothing runs. */
  readonly problem: string | null;
  /** False with a problem, and when it was stopped in the middle of its start. */
  readonly isRunning: boolean;
  /** Port of the first listener. */
  readonly port: number;
  readonly peerPort: number;
  /** Stops cleanly; the exit status. */
  shutdown(): Promise<number>;
}

const NOT_RUNNING: RunningBroker = {
  problem: null,
  isRunning: false,
  port: -1,
  peerPort: -1,
  shutdown: () => Promise.resolve(0),
};

/** Long enough for those who waited for the broker to have been served. */
const SPARE_MEMORY_AFTER_MS = 1000;

interface RunOptions {
  /** Properties that replace those of the file. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** When it resolves in the middle of the start, the broker takes back what it has begun. */
  readonly stop?: Promise<unknown>;
  /** Gets the journal before the broker starts. */
  readonly observe?: (journal: Journal) => void;
  /** Whoever has started this process, if it takes orders from faults on demand. */
  readonly supervisor?: Supervisor | null;
}

/**
 * Starts a broker from the text of a server.properties file; rejects when it can't start. Stopped in the
 * middle of that, it resolves when nothing runs any more.
 */
export async function runBroker(
  text: string,
  { overrides = {}, stop = new Promise(() => {}), observe, supervisor = null }: RunOptions = {},
): Promise<RunningBroker> {
  let config: BrokerConfig;
  try {
    config = brokerConfig(new Map([...parseProperties(text), ...Object.entries(overrides)]));
    await checkListeners(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...NOT_RUNNING, problem: error.message };
  }
  const platform = systemPlatform({
    journalMaxEvents: config.journalMaxEvents,
    workerThreads: config.workerThreads,
    workerIdleMs: config.workerIdleMs,
  });
  const { diagnostics } = platform;
  observe?.(platform.journal);
  warnOfProperties(config, diagnostics);
  process.on('uncaughtException', (error) => {
    diagnostics.fatal('A fault that nobody caught; the broker ends here', error);
    process.exit(1);
  });
  watchLoopDelay(platform.metrics);
  const broker = brokerOn(platform, config, supervisor);
  let isStopping = false;
  void stop.then(() => {
    isStopping = true;
    return broker.shutdown();
  });
  await broker.start().catch((error: unknown) => {
    if (isStopping) return; // its start was taken back, which is what was asked for
    if (!(error instanceof CoordinatorError)) throw error;
    throw new Error(`ZooKeeper at ${config.zookeeperConnect} can't be used: ${error.message}`);
  });
  if (isStopping) {
    await broker.shutdown();
    return NOT_RUNNING;
  }
  const spare = platform.clock.after(SPARE_MEMORY_AFTER_MS, giveBackSpareMemory);
  return {
    problem: null,
    isRunning: true,
    port: [...broker.ports.values()][0] ?? -1,
    peerPort: broker.peerPort,
    async shutdown() {
      spare.cancel();
      await broker.shutdown();
      return 0;
    },
  };
}

/** Key stores are read once more when the listeners are made: until then nothing has been begun. */
async function checkListeners({ listeners, texts }: BrokerConfig): Promise<void> {
  const scram = { user: () => undefined, token: async () => undefined };
  const materials = { disk: nodeDisk, random: systemRandom, javaStores, scram };
  for (const listener of listeners) await securedListener(listener, texts, materials);
}

function warnOfProperties(config: BrokerConfig, diagnostics: Diagnostics): void {
  for (const key of config.unknownKeys)
    diagnostics.warn(`The configuration '${key}' was supplied but isn't a known config.`);
  for (const key of config.raw.keys()) {
    if (isWithoutEffect(key)) diagnostics.warn(`The configuration '${key}' is known but has no effect here.`);
  }
}

/** A broker of this process: what ends it ends the process. */
function brokerOn(base: Platform, config: BrokerConfig, supervisor: Supervisor | null): Broker {
  const hurt = config.faultApiEnable ? hurtable(base) : null;
  const platform = hurt?.platform ?? base;
  const coordinators = zookeeperSource({
    connect: config.zookeeperConnect,
    sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
    connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
    maxInFlightRequests: config.zookeeperMaxInFlightRequests,
    log: (message) => base.diagnostics.named('ZooKeeperClient').debug(message),
    ...(hurt === null ? {} : { dial: dialThrough(hurt.zookeeperSockets) }),
  });
  const options = {
    config,
    platform,
    hostName: hostname(),
    ended: () => process.exit(1),
    coordinators,
  };
  if (hurt === null) return new Broker(options);
  base.diagnostics.warn('Faults can be asked for at /faults of the peer endpoint (fault.api.enable)');
  const requests = new RequestFaults({
    fraction: () => base.random.fraction(),
    topicName: (topicId) => broker.inside.metadata.image.topicNames.get(topicId),
    witness: null,
  });
  const vulnerable: Vulnerable = {
    world: hurt.world,
    process: ownProcess,
    requests,
    zookeeperServers: parseConnectString(config.zookeeperConnect).servers,
    expireSession: () => coordinators.expireSession(),
    supervisor,
  };
  const broker: Broker = new Broker({ ...options, interference: requests, vulnerable });
  return broker;
}
