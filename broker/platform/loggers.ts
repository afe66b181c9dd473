/**
 * Which lines of a broker's log are written: every line belongs to a logger, and a logger has a level of
 * its own or that of the nearest one above it, up to `root`. They have the names of Kafka's, by which
 * runbooks set them while a broker runs (KIP-412); what Kafka has not is below `odradek`. A level lasts
 * until the process ends. Source: Log4jController, kafka-configs.sh --entity-type broker-loggers.
 */

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof LEVELS)[number];

export const ROOT_LOGGER = 'root';

/** The loggers of those who speak, by the first word of the name they speak under (`Controller id=1`). */
const LOGGER_OF: Readonly<Record<string, string>> = {
  Broker: 'kafka.server.KafkaServer',
  KafkaServer: 'kafka.server.KafkaServer',
  KafkaApi: 'kafka.server.KafkaApis',
  ReplicaManager: 'kafka.server.ReplicaManager',
  DelegationTokenManager: 'kafka.server.DelegationTokenManagerZk',
  DynamicConfigs: 'kafka.server.ZkConfigManager',
  FinalizedFeatures: 'kafka.server.FinalizedFeatureChangeListener',
  AutoTopicCreation: 'kafka.server.DefaultAutoTopicCreationManager',
  AclAuthorizer: 'kafka.security.authorizer.AclAuthorizer',
  Authorizer: 'kafka.authorizer.logger',
  Controller: 'kafka.controller.KafkaController',
  GroupCoordinator: 'kafka.coordinator.group.GroupCoordinator',
  ProducerIdManager: 'kafka.coordinator.transaction.ProducerIdManager',
  TransactionCoordinator: 'kafka.coordinator.transaction.TransactionCoordinator',
  TransactionMarkers: 'kafka.coordinator.transaction.TransactionMarkerChannelManager',
  LogManager: 'kafka.log.LogManager',
  LogCleaner: 'kafka.log.LogCleaner',
  Log: 'kafka.log.UnifiedLog',
  SocketServer: 'kafka.network.SocketServer',
  ZooKeeperClient: 'kafka.zookeeper.ZooKeeperClient',
  Peers: 'odradek.peers',
};

export interface Logger {
  readonly name: string;
  /** Whether a line of this level is written. */
  allows(level: Level): boolean;
}

export class Loggers {
  readonly #loggers = new Map<string, LevelledLogger>();

  constructor(rootLevel: Level) {
    this.#get(ROOT_LOGGER).own = rootLevel;
    for (const name of Object.values(LOGGER_OF)) this.#get(name);
    this.#inherit();
  }

  /** The logger of who speaks under this name. */
  of(speaker: string): Logger {
    const word = /^\w*[^\W\d]/.exec(speaker)?.[0] ?? 'Broker';
    return this.#get(LOGGER_OF[word] ?? `odradek.${word}`);
  }

  has(name: string): boolean {
    return this.#loggers.has(name);
  }

  /** Every logger with the level that counts, by name. */
  levels(): ReadonlyMap<string, Level> {
    const all = [...this.#loggers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return new Map(all.map(({ name, effective }) => [name, effective]));
  }

  /** Gives a logger that exists a level of its own. */
  set(name: string, level: Level): void {
    const logger = this.#loggers.get(name);
    if (logger === undefined) return;
    logger.own = level;
    this.#inherit();
  }

  /** Takes the level of its own away; the root keeps it, for there is nothing above. */
  unset(name: string): void {
    const logger = this.#loggers.get(name);
    if (logger === undefined || name === ROOT_LOGGER) return;
    logger.own = null;
    this.#inherit();
  }

  /** With those above it: `kafka.log.LogManager` is below `kafka.log`, that below `kafka`. */
  #get(name: string): LevelledLogger {
    const known = this.#loggers.get(name);
    if (known !== undefined) return known;
    const dot = name.lastIndexOf('.');
    const above = name === ROOT_LOGGER ? null : this.#get(dot < 0 ? ROOT_LOGGER : name.slice(0, dot));
    const made = new LevelledLogger(name, above);
    this.#loggers.set(name, made);
    return made;
  }

  /** In the order they were made, those above come first. */
  #inherit(): void {
    for (const logger of this.#loggers.values()) logger.inherit();
  }
}

class LevelledLogger implements Logger {
  readonly name: string;
  readonly #above: LevelledLogger | null;
  own: Level | null = null;
  #effective: Level;
  #rank: number;

  constructor(name: string, above: LevelledLogger | null) {
    this.name = name;
    this.#above = above;
    this.#effective = above?.effective ?? 'info';
    this.#rank = LEVELS.indexOf(this.#effective);
  }

  get effective(): Level {
    return this.#effective;
  }

  inherit(): void {
    this.#effective = this.own ?? this.#above?.effective ?? this.#effective;
    this.#rank = LEVELS.indexOf(this.#effective);
  }

  allows(level: Level): boolean {
    return LEVELS.indexOf(level) >= this.#rank;
  }
}
