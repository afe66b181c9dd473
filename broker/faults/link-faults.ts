/**
 * Faults of the ways between this broker and others. One broker is enough: the rule holds for what it dials
 * and for what is dialled to it (links.ts), and other ways of the same machines stay as they are.
 */
import type { Direction, LinkEffect, LinkRule } from '../platform/faulty/link-rule.ts';
import type { BrokerId } from '../types.ts';
import {
  defineFault,
  type FaultPoints,
  FaultRefused,
  type FaultRequest,
  optional,
  required,
  type StruckFault,
} from './fault-kind.ts';

const LONGEST_DELAY_MS = 60_000;
const SERVER = /^zookeeper:(.+):(\d+)$/;

const TO = required(
  'to',
  'string or integer',
  "the other end: id of a broker, 'brokers', 'controller' (who it is now), 'clients', 'zookeeper', or one server as 'zookeeper:HOST:PORT'",
);
const DIRECTION = optional('direction', 'string', "one way only, as the broker sees it: 'in' or 'out'", {
  oneOf: ['in', 'out'],
});

export const LINK_FAULTS = [
  defineFault({
    name: 'link-cut',
    summary: 'Cuts a way: connections end and none can be made, or nothing comes through and nobody is told',
    parameters: [
      TO,
      optional('how', 'string', 'reset unless given; silent as when a cable is pulled', {
        oneOf: ['reset', 'silent'],
      }),
      DIRECTION,
    ],
    strike(points, request) {
      const isSilent = request.body['how'] === 'silent';
      if (!isSilent && request.body['direction'] !== undefined)
        throw new FaultRefused("direction is for how: 'silent': a connection that is reset ends both ways");
      return place(points, request, isSilent ? { isSilent } : { isCut: true });
    },
  }),
  defineFault({
    name: 'link-delay',
    summary: 'Everything takes so much longer, each way',
    parameters: [
      TO,
      required('delayMs', 'integer', 'so much longer', { min: 1, max: LONGEST_DELAY_MS }),
      DIRECTION,
    ],
    strike: (points, request) => place(points, request, { delayMs: Number(request.body['delayMs']) }),
  }),
  defineFault({
    name: 'link-loss',
    summary:
      'Packets are lost: nothing is missing in a TCP stream, but it stalls for retransmissions (200 ms, 400 ms, …)',
    parameters: [
      TO,
      required('rate', 'number', 'share of the pieces that are lost', { min: 0.0001, max: 0.95 }),
      DIRECTION,
    ],
    strike: (points, request) => place(points, request, { lossRate: Number(request.body['rate']) }),
  }),
  defineFault({
    name: 'link-rate',
    summary: 'Lets through so many bytes a second on each connection, each way',
    parameters: [TO, required('bytesPerSecond', 'integer', 'so many', { min: 1 }), DIRECTION],
    strike: (points, request) =>
      place(points, request, { bytesPerSecond: Number(request.body['bytesPerSecond']) }),
  }),
] as const;

function place(points: FaultPoints, { body }: FaultRequest, effect: LinkEffect): StruckFault {
  const { rule, broker } = wayTo(points, body['to']);
  const direction = body['direction'] as Direction | undefined;
  const heal = rule.place({ ...effect, ...(direction === undefined ? {} : { direction }) });
  return { heal, ...(broker === undefined ? {} : { decided: { broker } }) };
}

function wayTo(points: FaultPoints, to: unknown): { rule: LinkRule; broker?: BrokerId } {
  const { links } = points.world;
  if (to === 'clients') return { rule: links.clients };
  if (to === 'zookeeper') return { rule: links.zookeeper };
  if (to === 'brokers') return { rule: links.peers };
  const { brokerId } = points.broker.config;
  if (to === 'controller') {
    const { controllerId } = points.broker.metadata.image;
    if (controllerId < 0) throw new FaultRefused('no controller is known at the moment');
    if (controllerId === brokerId) throw new FaultRefused(`broker ${brokerId} is the controller itself`);
    return { rule: links.broker(controllerId), broker: controllerId };
  }
  const server = typeof to === 'string' ? SERVER.exec(to) : null;
  const known = points.zookeeperServers.find(
    ({ host, port }) => host === server?.[1] && port === Number(server[2]),
  );
  if (known !== undefined) return { rule: links.to(known.host, known.port) };
  const broker = otherBrokers(points).find((id) => String(id) === String(to));
  if (broker === undefined) throw new FaultRefused(nowhere(points, to));
  return { rule: links.broker(broker) };
}

function nowhere(points: FaultPoints, to: unknown): string {
  const named = ['brokers', 'controller', 'clients', 'zookeeper'].map((each) => `'${each}'`);
  const servers = points.zookeeperServers.map(({ host, port }) => `'zookeeper:${host}:${port}'`);
  return `there is no way to '${to}': there are ${[...otherBrokers(points), ...named, ...servers].join(', ')}`;
}

/** Those that are alive, and those that hold replicas and may be cut off already. */
function otherBrokers({ broker: { metadata, config } }: FaultPoints): BrokerId[] {
  const { brokers, topics } = metadata.image;
  const ids = new Set(brokers.keys());
  for (const { partitions } of topics.values())
    for (const { replicas } of partitions.values()) for (const id of replicas) ids.add(id);
  ids.delete(config.brokerId);
  return [...ids].sort((one, other) => one - other);
}
