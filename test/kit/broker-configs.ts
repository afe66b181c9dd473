/** The configuration of one broker of a test cluster: where it differs from Kafka's defaults, and why. */
import { join } from 'node:path';
import { type BrokerConfig, brokerConfig } from '../../broker/config/broker-config.ts';
import type { Bound } from './member.ts';
import type { KitOptions } from './options.ts';
import type { Secured } from './security.ts';

/** A session of the tree in this process ends when its broker is killed, paused or cut off, and by nothing else. */
const SESSION_TIMEOUT_MS = 2000;
const SESSION_TIMEOUT_OF_ENSEMBLE_MS = 6000;

type Settings = KitOptions & {
  readonly count: number;
  readonly directory: string;
  readonly connect: string | null;
  readonly secret: string;
  readonly secured: Secured | null;
};

/** The configuration of one broker: on free ports at first, and then on those that it had. */
export function configsOf(id: number, settings: Settings): (bound: Bound | null) => BrokerConfig {
  const replicas = String(Math.min(3, settings.count));
  const sessionTimeoutMs =
    settings.zookeeper === undefined ? SESSION_TIMEOUT_MS : SESSION_TIMEOUT_OF_ENSEMBLE_MS;
  const rack = settings.racks?.[id - 1];
  return (bound) =>
    withoutZookeeperSecurity(
      brokerConfig(
        new Map(
          Object.entries({
            'broker.id': String(id),
            ...listenersOf(id, settings, bound),
            'log.dirs': join(settings.directory, `broker-${id}`),
            'zookeeper.connect': settings.connect ?? 'in-process:2181',
            'peer.shared.secret': settings.secret,
            'zookeeper.session.timeout.ms': String(sessionTimeoutMs),
            'default.replication.factor': replicas,
            'offsets.topic.replication.factor': replicas,
            'offsets.topic.num.partitions': '5',
            'transaction.state.log.replication.factor': replicas,
            'transaction.state.log.min.isr': String(Math.min(2, settings.count)),
            'transaction.state.log.num.partitions': '5',
            'group.initial.rebalance.delay.ms': '0',
            // What resets leave would be in the way of snapshots, and fill the disk.
            'log.segment.delete.delay.ms': '500',
            // Leaders that have moved, or been moved, stay where they are.
            'auto.leader.rebalance.enable': 'false',
            ...(rack === undefined ? {} : { 'broker.rack': rack }),
            ...settings.properties,
            ...settings.perBroker?.[id],
          }),
        ),
      ),
    );
}

/**
 * Nothing secures what is agreed here: the tree is in this process, or the kit goes to ZooKeeper as nobody. Who asks
 * for security all the same is told so.
 */
export function withoutZookeeperSecurity(config: BrokerConfig): BrokerConfig {
  const asked = [...config.raw.keys()].find(
    (name) => /^zookeeper\.(?:set\.acl|ssl|sasl|digest)/.test(name) && config.raw.get(name) !== 'false',
  );
  if (asked === undefined) return config;
  throw new Error(`${asked} takes a broker that is a process of its own: \`odradek broker\``);
}

function listenersOf(id: number, settings: Settings, bound: Bound | null): Record<string, string> {
  const { secured } = settings;
  const protocol = secured?.told.protocol ?? 'PLAINTEXT';
  const names = settings.listeners ?? [protocol];
  const fixed = settings.ports?.[id - 1] ?? 0;
  const listeners = names.map((name, index) => {
    const port = bound?.ports.get(name) ?? (index === 0 ? fixed : 0);
    return `${name}://127.0.0.1:${port}`;
  });
  const isUsual = settings.listeners === undefined && secured === null;
  return {
    listeners: listeners.join(','),
    ...secured?.properties(names),
    'peer.listener': `PEER://127.0.0.1:${bound?.peerPort ?? 0}`,
    ...(isUsual
      ? {}
      : {
          'listener.security.protocol.map': names.map((name) => `${name}:${protocol}`).join(','),
          'inter.broker.listener.name': names[0] ?? '',
        }),
  };
}
