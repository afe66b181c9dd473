/** What a test cluster stands on: its members, where they agree, and the files they have. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerConfig, brokerConfig } from '../../broker/config/broker-config.ts';
import { RequestFaults } from '../../broker/network/request-faults.ts';
import { type Clock, systemClock } from '../../broker/platform/clock.ts';
import { EventRing } from '../../broker/platform/event-ring.ts';
import { systemRandom } from '../../broker/platform/random.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { webSocketChannels } from '../../broker/platform/web-socket-channels.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { type Agreement, openAgreement } from './agreement.ts';
import { type Bound, Member } from './member.ts';
import type { KitOptions } from './options.ts';
import { RequestLog } from './request-log.ts';
import { VirtualClock } from './virtual-clock.ts';
import { watchOver } from './watchdog.ts';

export interface Ground {
  readonly members: readonly Member[];
  readonly agreement: Agreement;
  readonly clock: Clock;
  readonly directory: string;
  readonly requestFaults: ReadonlyMap<number, RequestFaults>;
  readonly requestLog: RequestLog;
  readonly events: EventRing;
  /** The kit's own client, which meets no fault. */
  readonly admin: () => AdminClient;
  readonly close: () => Promise<void>;
}

/** In the records of requests, and for those who look at connections. */
const CLIENT_ID = 'odradek-testkit';
const DEFAULT_SESSION_TIMEOUT_MS = 6000;
const MOST_EVENTS = 10_000;

/** Nothing is started yet. */
export async function makeGround(options: KitOptions, count: number): Promise<Ground> {
  const temporary = options.directory === undefined;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'odradek-kit-'));
  const watchdog = temporary ? watchOver(directory) : null;
  const clock = options.virtualTime === true ? new VirtualClock() : systemClock;
  const requestLog = new RequestLog();
  const events = new EventRing(MOST_EVENTS, systemClock);
  let agreement: Agreement | null = null;
  let admin: AdminClient | null = null;
  const members: Member[] = [];
  const close = async (): Promise<void> => {
    admin?.close();
    // What is thrown away anyway need not be made durable.
    await Promise.all(members.map((member) => (temporary ? member.end() : member.stop(false))));
    await Promise.all(members.map((member) => member.end()));
    await agreement?.close();
    if (clock instanceof VirtualClock) clock.stop();
    // What is closed is still open to Node until the turn after the next.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (temporary) rmSync(directory, { recursive: true, force: true });
    watchdog?.dismiss();
  };
  try {
    agreement = await openAgreement(options);
  } catch (error) {
    await close();
    throw error;
  }
  const opened = agreement;
  const requestFaults = new Map<number, RequestFaults>();
  const network = { sockets: tcpSockets(), channels: webSocketChannels() };
  const secret = randomBytes(32).toString('base64url');
  for (let id = 1; id <= count; id++) {
    const configOf = configsOf(id, { ...options, count, directory, connect: opened.connect, secret });
    const member: Member = new Member(
      id,
      {
        network,
        clock,
        agreement: () => opened,
        interference: () => faults,
        log: (brokerId, line) => options.log?.(brokerId, line),
        recorded: (recorded) => events.add(recorded),
      },
      configOf,
    );
    const faults = new RequestFaults({
      fraction: () => systemRandom.fraction(),
      topicName: (topicId) => member.broker.inside.metadata.image.topicNames.get(topicId),
      witness: requestLog.witness(id),
      sparedClientId: CLIENT_ID,
    });
    requestFaults.set(id, faults);
    members.push(member);
  }
  return {
    ...{ members, agreement, clock, directory, requestFaults, requestLog, events, close },
    admin() {
      admin ??= new AdminClient(bootstrapServers(members), CLIENT_ID);
      return admin;
    },
  };
}

/** Of one listener, or of the first; in the order of the ids. */
export function bootstrapServers(members: readonly Member[], listener?: string): string {
  return members
    .map(({ bound: { ports } }) => {
      const port = listener === undefined ? [...ports.values()][0] : ports.get(listener);
      if (port === undefined)
        throw new Error(`there is no listener ${listener}: they are ${[...ports.keys()].join(', ')}`);
      return `127.0.0.1:${port}`;
    })
    .join(',');
}

type Settings = KitOptions & { count: number; directory: string; connect: string | null; secret: string };

/** The configuration of one broker: on free ports at first, and then on those that it had. */
function configsOf(id: number, settings: Settings): (bound: Bound | null) => BrokerConfig {
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
