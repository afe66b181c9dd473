/**
 * How often a start has to wait for ZooKeeper, one answer after the other: what an ensemble takes for an
 * answer is what a start takes that many times. Virtual time counts it; nothing else takes any.
 */
import { expect, it } from 'vitest';
import { Broker } from '../../../broker/broker.ts';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { World } from '../../support/world.ts';

const HOST = 'broker1';
const ROUND_TRIP_MS = 100;

/** The only broker of the world's cluster; the round trips until clients are served, and until it has taken office. */
async function start(world: World): Promise<{ broker: Broker; served: number; inOffice: number }> {
  const platform = world.platform(HOST);
  const startedMs = world.clock.nowMs();
  const properties = {
    'broker.id': '1',
    'zookeeper.connect': 'tree:2181',
    'log.dirs': '/data',
    listeners: `PLAINTEXT://${HOST}:9092`,
    'peer.listener': `PEER://${HOST}:9093`,
  };
  const broker = new Broker({
    config: brokerConfig(new Map(Object.entries(properties))),
    platform,
    coordinators: world.source({ delayMs: ROUND_TRIP_MS / 2 }),
    hostName: HOST,
  });
  const roundTripsSince = (): number => (world.clock.nowMs() - startedMs) / ROUND_TRIP_MS;
  const tookOffice = platform.journal
    .first('failover-finished', () => true, { timeoutMs: 60_000 })
    .then(roundTripsSince);
  const served = await world.settled(broker.start().then(roundTripsSince));
  return { broker, served, inOffice: await world.settled(tookOffice) };
}

it('the first start of a cluster waits for 13 answers, a later one for 11', async () => {
  const world = new World({ latencyMs: [0, 0] });
  const first = await start(world);
  expect(first).toMatchObject({ served: 13, inOffice: 13 });
  await world.settled(first.broker.shutdown());
  expect(await start(world)).toMatchObject({ served: 11, inOffice: 11 });
});
