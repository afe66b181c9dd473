/** The configuration of one broker of a test cluster: where it differs from Kafka's defaults, and why. */
import { join } from 'node:path';
import { type BrokerConfig, brokerConfig } from '../../broker/config/broker-config.ts';
import type { Bound } from './member.ts';
import type { KitOptions } from './options.ts';

const DEFAULT_SESSION_TIMEOUT_MS = 6000;

type Settings = KitOptions & { count: number; directory: string; connect: string | null; secret: string };

/** The configuration of one broker: on free ports at first, and then on those that it had. */
export function configsOf(id: number, settings: Settings): (bound: Bound | null) => BrokerConfig {
  const replicas = String(Math.min(3, settings.count));
  const rack = settings.racks?.[id - 1];
  return (bound) =>
    brokerConfig(
      new Map(
        Object.entries({
          'broker.id': String(id),
          ...listenersOf(id, settings, bound),
          'log.dirs': join(settings.directory, `broker-${id}`),
          'zookeeper.connect': settings.connect ?? 'in-process:2181',
          'peer.shared.secret': settings.secret,
          'zookeeper.session.timeout.ms': String(DEFAULT_SESSION_TIMEOUT_MS),
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
    );
}

function listenersOf(id: number, settings: Settings, bound: Bound | null): Record<string, string> {
  const names = settings.listeners ?? ['PLAINTEXT'];
  const fixed = settings.ports?.[id - 1] ?? 0;
  const listeners = names.map((name, index) => {
    const port = bound?.ports.get(name) ?? (index === 0 ? fixed : 0);
    return `${name}://127.0.0.1:${port}`;
  });
  const isUsual = settings.listeners === undefined;
  return {
    listeners: listeners.join(','),
    'peer.listener': `PEER://127.0.0.1:${bound?.peerPort ?? 0}`,
    ...(isUsual
      ? {}
      : {
          'listener.security.protocol.map': names.map((name) => `${name}:PLAINTEXT`).join(','),
          'inter.broker.listener.name': names[0] ?? '',
        }),
  };
}
