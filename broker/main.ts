/**
 * One broker as a process: properties in, a running broker out. What is wrong with the properties is
 * one line; a fault that nobody caught ends the process, as a broker in an unknown state helps nobody.
 */
import { hostname } from 'node:os';
import { CoordinatorError } from '../coordinator-client/coordinator.ts';
import { Broker } from './broker.ts';
import { type BrokerConfig, brokerConfig } from './config/broker-config.ts';
import { parseProperties } from './config/java-properties.ts';
import { ConfigError } from './config/property.ts';
import { isWithoutEffect } from './config/without-effect.ts';
import type { Supervisor } from './faults/supervisor.ts';
import { withJaasFile } from './node/jaas-file-logins.ts';
import { securedListener } from './node/listener-security.ts';
import { zookeeperSessions } from './node/zookeeper-session.ts';
import { systemClock } from './platform/clock.ts';
import { type Diagnostics, lineDiagnostics } from './platform/diagnostics.ts';
import { askHttp } from './platform/http-asker.ts';
import type { Journal } from './platform/journal.ts';
import { watchLoopDelay } from './platform/loop-delay.ts';
import { nodeDisk } from './platform/node-disk.ts';
import type { Platform } from './platform/platform.ts';
import { systemRandom } from './platform/random.ts';
import { giveBackSpareMemory } from './platform/spare-memory.ts';
import { systemPlatform } from './platform/system-platform.ts';
import { boundYoungGeneration } from './platform/young-generation.ts';
import { jvmProperties } from './security/jvm-options.ts';
import { passwordEncoder } from './security/password-encoder.ts';
import { IssuerKeySets } from './security/sasl/issuer-keys.ts';
import { javaStores } from './security/tls/java-stores.ts';
import { type ZookeeperAccess, zookeeperAccess } from './security/zookeeper/zookeeper-access.ts';

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
  let read: Awaited<ReturnType<typeof readConfig>>;
  try {
    read = await readConfig(new Map([...parseProperties(text), ...Object.entries(overrides)]));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...NOT_RUNNING, problem: error.message };
  }
  const { config, access } = read;
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
  boundYoungGeneration();
  const broker = await brokerOn(platform, config, { access, supervisor });
  let isStopping = false;
  void stop.then(() => {
    isStopping = true;
    return broker.shutdown();
  });
  let problem: string | null = null;
  await broker.start().catch((error: unknown) => {
    if (isStopping) return; // its start was taken back, which is what was asked for
    // What a config names may be what is wrong: an issuer whose keys can't be had.
    if (error instanceof ConfigError) {
      problem = error.message;
      return;
    }
    if (!(error instanceof CoordinatorError)) throw error;
    throw new Error(`ZooKeeper at ${config.zookeeperConnect} can't be used: ${error.message}`);
  });
  if (isStopping) {
    await broker.shutdown();
    return NOT_RUNNING;
  }
  if (problem !== null) return { ...NOT_RUNNING, problem };
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

/** With what the options of a JVM say. Rejects with ConfigError; nothing has been begun then. */
async function readConfig(
  properties: ReadonlyMap<string, string>,
): Promise<{ config: BrokerConfig; access: ZookeeperAccess }> {
  const jvm = jvmProperties(process.env['KAFKA_OPTS'] ?? '');
  const config = await withJaasFile(brokerConfig(properties), jvm, nodeDisk);
  await checkListeners(config);
  passwordEncoder(config.passwordEncoderSecret, config); // what it can't be made of is said now
  return { config, access: await zookeeperAccess(config.raw, jvm, { disk: nodeDisk, javaStores }) };
}

/** Key stores are read once more when the listeners are made: until then nothing has been begun, and nobody asked. */
async function checkListeners({ listeners, texts }: BrokerConfig): Promise<void> {
  const scram = { user: () => undefined, token: async () => undefined };
  const materials = {
    ...{ disk: nodeDisk, random: systemRandom, clock: systemClock },
    ...{ javaStores, scram, askHttp, keySets: new IssuerKeySets() },
    diagnostics: lineDiagnostics(systemClock, () => {}, 'fatal'),
  };
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
async function brokerOn(
  platform: Platform,
  config: BrokerConfig,
  { access, supervisor }: { readonly access: ZookeeperAccess; readonly supervisor: Supervisor | null },
): Promise<Broker> {
  const log = (message: string): void => platform.diagnostics.named('ZooKeeperClient').debug(message);
  const options = { config, platform, hostName: hostname(), ended: () => process.exit(1) };
  if (!config.faultApiEnable) {
    const coordinators = zookeeperSessions(config, access, { sockets: platform.sockets, log });
    return new Broker({ ...options, coordinators });
  }
  const { vulnerableBroker } = await import('./vulnerable-broker.ts');
  return vulnerableBroker(options, { access, log }, supervisor);
}
