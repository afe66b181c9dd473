/** Starts that fail half way, and stops that come in the middle of a start: nothing stays open. */

import { describe, expect, it } from 'vitest';
import { Broker } from '../../../broker/broker.ts';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import type {
  Coordinator,
  CoordinatorError,
  CoordinatorSource,
} from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import { controllerZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { World } from '../../support/world.ts';

const HOST = 'broker1';
const CLIENT_PORT = 9092;
const PEER_PORT = 9093;

class OneBroker extends World {
  readonly sessions: Coordinator[] = [];
  /** The parts that were stopped, in order. */
  readonly stopped: string[] = [];
  readonly broker: Broker;
  readonly sessionSource: LocalSource;

  constructor() {
    super({ latencyMs: [1, 1] });
    const source = this.source({ delayMs: 1 });
    this.sessionSource = source;
    const coordinators: CoordinatorSource = {
      counts: source.counts,
      open: async (timeoutMs, calledOff) => {
        const coordinator = await source.open(timeoutMs, calledOff);
        this.sessions.push(coordinator);
        return coordinator;
      },
    };
    const properties = {
      'broker.id': '1',
      'zookeeper.connect': 'tree:2181',
      'log.dirs': '/data',
      listeners: `PLAINTEXT://${HOST}:${CLIENT_PORT}`,
      'peer.listener': `PEER://${HOST}:${PEER_PORT}`,
    };
    const diagnostics = recordingDiagnostics((_level, message) => {
      if (message.startsWith('stopping ')) this.stopped.push(message.slice('stopping '.length));
    });
    this.broker = new Broker({
      config: brokerConfig(new Map(Object.entries(properties))),
      platform: this.platform(HOST, { diagnostics }),
      coordinators,
      hostName: HOST,
    });
  }

  /** Takes a port that the broker wants; gives it back when called again. */
  async occupy(port: number): Promise<() => Promise<void>> {
    const { sockets } = this.network.host(HOST);
    const listener = await sockets.listen({ host: HOST, port, backlog: 1, accept: () => {} });
    return () => listener.close();
  }

  /** Throws unless both ports and the directory are free, and no session is open. */
  async nothingIsOpen(): Promise<void> {
    for (const port of [CLIENT_PORT, PEER_PORT]) await (await this.occupy(port))();
    this.disk(HOST).makeDirectory('/data');
    this.disk(HOST).lock('/data/.lock').release();
    expect(this.sessions.filter(({ session }) => session !== 'closed')).toEqual([]);
    expect(this.tree.children('/brokers/ids') ?? []).toEqual([]);
  }
}

/** In the order of a clean stop: whoever needs another to end well comes before it. */
const STOPS = [
  'the feed of dynamic configs',
  'the feed of finalized features',
  'the clients',
  'the transactions',
  'the groups',
  'the producer ids',
  'moves between log directories',
  'the replicas',
  'the logs',
  'the controller',
  'the peers',
  'the log directories',
  'the worker threads',
  'the ZooKeeper session',
];

describe('a clean stop', () => {
  it('ends the parts of a broker from its clients down to its session', async () => {
    const world = new OneBroker();
    await world.settled(world.broker.start(), 5000);
    expect(world.stopped).toEqual([]);
    await world.settled(world.broker.shutdown(), 10_000);
    expect(world.stopped).toEqual(STOPS);
    await world.nothingIsOpen();
  });
});

describe('a start that fails', () => {
  it.each([
    ['client', CLIENT_PORT, 'the transactions'],
    ['peer', PEER_PORT, 'the feed of dynamic configs'],
  ])(
    'because its %s port is taken stops what it has made and leaves nothing open',
    async (_, port, lastMade) => {
      const world = new OneBroker();
      const free = await world.occupy(port);
      const outcome = world.broker.start().then(
        () => 'started',
        (error: Error) => error.message,
      );
      expect(await world.settled(outcome, 5000)).toContain(String(port));
      expect(world.stopped).toEqual(STOPS.slice(STOPS.indexOf(lastMade)));
      await free();
      await world.nothingIsOpen();
    },
  );
});

describe('a start that fails before the logs are loaded', () => {
  it('leaves what their checkpoints say', async () => {
    const world = new OneBroker();
    const store = await world.store(world.source({ sessionTimeoutMs: 60_000 }));
    await world.settled(store.electController(9, world.clock.wallMs()), 1000);
    const spoilt = store.configs.write('topics', 'spoilt', new Map([['retention.ms', 'abc']]));
    await world.settled(spoilt, 1000);
    await world.settled(store.coordinator.close(), 1000);
    const checkpoint = '/data/log-start-offset-checkpoint';
    const says = '0\n1\nspoilt 0 5\n';
    world.disk(HOST).makeDirectory('/data');
    world.disk(HOST).writeFileAtomically(checkpoint, says);
    const outcome = world.broker.start().then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(await world.settled(outcome, 5000)).toContain('Topic spoilt has an invalid config');
    expect(world.disk(HOST).readFile(checkpoint).toString()).toBe(says);
    await world.nothingIsOpen();
  });
});

describe('a start beside another broker', () => {
  async function startBeside(...endpoints: { listener: string; host: string; port: number }[]) {
    const world = new OneBroker();
    const store = await world.store(world.source({ sessionTimeoutMs: 60_000 }));
    const registration = {
      id: 7,
      endpoints: endpoints.map((endpoint) => ({ ...endpoint, securityProtocol: 'PLAINTEXT' })),
      rack: null,
      jmxPort: -1,
      timestampMs: 1,
      features: new Map(),
    };
    await world.settled(store.registerBroker(registration), 1000);
    const outcome = world.broker.start().then(
      () => 'started',
      (error: Error) => error.message,
    );
    const said = await world.settled(outcome, 5000);
    await world.settled(store.coordinator.close(), 1000);
    return { world, said };
  }
  const peer = { listener: 'PEER', host: 'other', port: PEER_PORT };

  it('that has its address is refused, and leaves nothing open', async () => {
    const { world, said } = await startBeside({ listener: 'PLAINTEXT', host: HOST, port: CLIENT_PORT }, peer);
    expect(said).toBe(
      'Configured end points broker1:9092 in advertised listeners are already registered by broker 7',
    );
    await world.nothingIsOpen();
  });

  it('of Apache Kafka is refused, and leaves nothing open', async () => {
    const { world, said } = await startBeside({ listener: 'PLAINTEXT', host: 'other', port: 9092 });
    expect(said).toContain('Broker 7 of this cluster has registered no PEER endpoint');
    await world.nothingIsOpen();
  });

  it('that can be beside it is a start', async () => {
    const { world, said } = await startBeside({ listener: 'PLAINTEXT', host: 'other', port: 9092 }, peer);
    expect(said).toBe('started');
    await world.settled(world.broker.shutdown(), 10_000);
  });
});

describe('a stop in the middle of a start', () => {
  it.each([0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 100, 500])(
    'after %d ms ends the broker, and is over only when nothing is open',
    async (delayMs) => {
      const world = new OneBroker();
      const started = world.broker.start().catch(() => {});
      await world.pass(delayMs);
      await world.settled(world.broker.shutdown(), 10_000);
      await world.nothingIsOpen();
      await world.settled(started, 10_000);
      await world.pass(5000);
      await world.nothingIsOpen();
    },
  );
});

describe('a stop while ZooKeeper can not be reached', () => {
  it('does not wait for the session that the start waits for', async () => {
    const world = new OneBroker();
    world.sessionSource.partition();
    const started = world.broker.start().then(
      () => 'started',
      ({ failure }: CoordinatorError) => failure,
    );
    await world.pass(1000);
    await world.settled(world.broker.shutdown(), 100);
    expect(await world.settled(started, 100)).toBe('closed');
    world.sessionSource.heal();
    await world.pass(1000);
    await world.nothingIsOpen();
  });
});

describe('what is seen of a broker', () => {
  it('is there once its parts are, and stays true while they change', async () => {
    const world = new OneBroker();
    expect(() => world.broker.inside).toThrow('the broker has not been started');
    await world.settled(world.broker.start(), 5000);
    const { inside } = world.broker;
    const { brokerId, brokerEpoch, session, controller } = inside;
    expect([brokerId, inside.state, session.state, controller.isActive]).toEqual([
      1,
      'running',
      'connected',
      true,
    ]);
    expect(BigInt(brokerEpoch)).toBe(world.tree.read('/brokers/ids/1')?.czxid);
    await world.settled(world.broker.shutdown(), 10_000);
    expect([inside.state, session.state, controller.isActive]).toEqual(['stopping', 'closed', false]);
  });
});

describe('/healthz', () => {
  it('says what the broker is at from the moment its endpoint listens to its end: 200 only while it serves', async () => {
    const world = new OneBroker();
    const seen: string[] = [];
    const look = async (): Promise<void> => {
      const answer = await world.network.get(HOST, PEER_PORT, '/healthz').catch(() => null);
      if (answer === null) return;
      const { state, healthy } = JSON.parse(String(answer.body)) as { state: string; healthy: boolean };
      const line = `${answer.status} ${state} ${healthy}`;
      if (seen.at(-1) !== line) seen.push(line);
    };
    const step = async (promise: Promise<void>): Promise<void> => {
      let over = false;
      void promise.then(() => {
        over = true;
      });
      while (!over) {
        await world.pass(0.5);
        await look();
      }
    };
    await step(world.broker.start());
    await step(world.broker.shutdown());
    expect(seen).toEqual(['503 starting false', '200 running true', '503 stopping false']);
  });

  it('is 503 as long as no controller has told the broker of the cluster', async () => {
    const world = new OneBroker();
    const data = controllerZnode.encode({ brokerId: 9, timestampMs: 1, kraftControllerEpoch: -1 });
    const { path } = controllerZnode;
    // A controller that says nothing.
    world.tree.commit([{ op: 'create', path, data, lifetime: 'persistent' }], 0n, 0);
    await world.settled(world.broker.start(), 60_000);
    const health = async () => {
      const { status, body } = await world.network.get(HOST, PEER_PORT, '/healthz');
      const { state, knowsCluster } = JSON.parse(String(body)) as { state: string; knowsCluster: boolean };
      return [status, state, knowsCluster];
    };
    expect(await health()).toEqual([503, 'running', false]);
    world.tree.commit([{ op: 'remove', path, version: -1 }], 0n, 0);
    await world.until(() => world.broker.inside.metadata.image.complete, 5000);
    expect(await health()).toEqual([200, 'running', true]);
    await world.settled(world.broker.shutdown(), 10_000);
  });
});

describe("a broker's journal", () => {
  it('tells its life: the registration, a lost session and what followed from it, the end', async () => {
    const world = new OneBroker();
    const { clock } = world;
    await clock.runUntilSettled(world.broker.start(), 5000);
    const { journal } = world.broker.inside;
    await clock.runFor(1000);
    const [session] = world.sessions;
    world.sessionSource.expire(session?.sessionId ?? 0n);
    await clock.runFor(3000);
    await clock.runUntilSettled(world.broker.shutdown(), 10_000);
    const recorded = journal.since(0);
    const epochs = [...new Set(recorded.map(({ brokerEpoch }) => brokerEpoch))];
    const told = recorded.map(({ id, causeId, brokerEpoch, event }) => {
      return `${id}←${causeId ?? 'nothing'} ${event.kind}, registration ${epochs.indexOf(brokerEpoch) + 1}`;
    });
    expect(told).toEqual([
      '1←nothing broker-registered, registration 1',
      '2←nothing controller-elected, registration 1',
      '3←2 controller-changed, registration 1',
      '4←2 failover-finished, registration 1',
      '5←nothing broker-started, registration 1',
      '6←nothing session-lost, registration 1',
      '7←6 controller-resigned, registration 1',
      '8←6 controller-changed, registration 1',
      '9←nothing controller-interrupted, registration 1',
      '10←6 session-regained, registration 1',
      '11←10 broker-registered, registration 2',
      '12←10 candidacy-resumed, registration 2',
      '13←nothing controller-elected, registration 2',
      '14←13 controller-changed, registration 2',
      '15←13 failover-finished, registration 2',
      '16←nothing shutdown-begun, registration 2',
      '17←16 controlled-shutdown-granted, registration 2',
      '18←nothing controller-resigned, registration 2',
      '19←16 shutdown-finished, registration 2',
    ]);
  });
});
