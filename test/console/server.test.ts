/** What the console answers of a live cluster, what it tells as it happens, and whom it refuses. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterPicture, Recording } from '../../scripts/console/picture.ts';
import type {
  EventView,
  GroupView,
  RecordsPage,
  ThrottlesView,
  ZnodeView,
} from '../../scripts/console/views.ts';
import { eventually } from '../support/eventually.ts';
import { type ConsoledCluster, startConsole, startConsoled } from './consoled-cluster.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** By node:http, which sends any Host that it is told to. */
function send(
  url: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, async (response) => {
      const parts = await response.toArray();
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) });
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const HEADER = { 'x-odradek-console': 'test' };

describe('a console that may change things', () => {
  let world: ConsoledCluster;
  beforeAll(async () => {
    world = await startConsoled(true);
  });
  afterAll(() => world?.close());

  const ask = async <T>(path: string): Promise<T> => {
    const { status, body } = await send(`${world.console.url}${path}`);
    expect(status, JSON.stringify(body)).toBe(200);
    return body as T;
  };

  it('shows brokers with their sessions, and who leads what', async () => {
    const { picture } = await ask<{ picture: ClusterPicture }>('api/picture');
    expect(picture.brokers.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(picture.brokers[0]?.sessionId).toMatch(/^0x[0-9a-f]+$/);
    expect(picture.controllerEpoch).toBe(1);
    const orders = Object.values(picture.partitions).filter(({ topic }) => topic === 'orders');
    expect(orders).toHaveLength(6);
    expect(orders.every(({ leader, isr }) => leader > 0 && isr.length === 3)).toBe(true);
  });

  it('shows a znode with what it holds and whose it is', async () => {
    const one = await ask<ZnodeView>('api/znode?path=/brokers/ids/1');
    expect(JSON.parse(one.data)).toMatchObject({ version: 5 });
    expect(one).toMatchObject({ format: 'json', sessionId: expect.stringMatching(/^0x/) });
    const ids = await ask<ZnodeView>('api/znode?path=/brokers/ids');
    expect(ids).toMatchObject({ children: ['1', '2', '3'], sessionId: null });
  });

  it('shows records, from an offset and from the end', async () => {
    const values = Array.from({ length: 30 }, (_, each) => ({
      value: `{"n":${each}}`,
      key: 'k',
      partition: 0,
    }));
    await world.cluster.produce('orders', values);
    const end = await ask<RecordsPage>('api/records?topic=orders&partition=0&offset=-5&most=2');
    expect(end).toMatchObject({ start: 0, end: 30 });
    expect(end.records.map(({ offset }) => offset)).toEqual([25, 26]);
    expect(end.records[0]).toMatchObject({ key: { data: 'k' }, value: { format: 'json' } });
    const first = await ask<RecordsPage>('api/records?topic=orders&partition=0&offset=0&most=500');
    expect(first.records).toHaveLength(30);
  });

  it('shows groups, and how far behind each is', async () => {
    expect(await ask('api/groups')).toEqual([]);
    // The first who asks for a coordinator has the topic made that groups are kept in.
    await eventually(
      'there are coordinators',
      async () => (await send(`${world.console.url}api/group?id=nobody`)).status === 200,
    );
    expect(await ask<GroupView>('api/group?id=nobody')).toMatchObject({ state: 'Dead', offsets: [] });
  });

  it('tells what the journals have, and why a partition is as it is', async () => {
    await eventually('events have come', async () => (await ask<EventView[]>('api/events')).length > 0);
    const events = await ask<readonly EventView[]>('api/events');
    expect(events.map(({ kind }) => kind)).toContain('controller-elected');
    const story = await ask<readonly string[]>('api/story?partition=orders-0');
    expect(story.join('\n')).toMatch(/orders/);
    expect((await ask<readonly string[]>('api/story')).join('\n')).toMatch(/controller/);
  });

  it.each([
    ['api/nothing', 404, 'there is no /api/nothing'],
    ['api/znode?path=brokers', 400, "a path begins with / and has no empty parts, not 'brokers'"],
    ['api/znode?path=/no/such', 404, 'there is no node /no/such'],
    ['api/records?topic=orders&partition=x', 400, "partition is an integer, not 'x'"],
    ['api/records?topic=orders&partition=0&most=100000', 400, 'most is 1 to 500, not 100000'],
    ['api/records?topic=none&partition=0', 404, 'none-0: UNKNOWN_TOPIC_OR_PARTITION'],
    ['api/configs?type=users&name=x', 400, "type is topics or brokers, not 'users'"],
  ])('refuses %s with the reason', async (path, status, error) => {
    const answer = await send(`${world.console.url}${path}`);
    expect(answer.status).toBe(status);
    expect((answer.body as { error: string }).error).toContain(error);
  });

  it('is closed to pages of other sites, and to names that they make lead here', async () => {
    const url = `${world.console.url}api/picture`;
    expect((await send(url, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
    expect((await send(url, { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await send(url, { headers: { host: 'localhost:1' } })).status).toBe(200);
    const body = { topic: 'orders', partition: '0', type: 'preferred' };
    // What a form can send, it refuses.
    expect((await send(`${world.console.url}api/elect-leader`, { body })).status).toBe(400);
  });

  it('elects leaders and moves partitions', async () => {
    const elected = { topic: 'orders', partition: '0', type: 'preferred' };
    const url = `${world.console.url}api/`;
    expect(await send(`${url}elect-leader`, { body: elected, headers: HEADER })).toMatchObject({
      status: 200,
    });
    const moved = { topic: 'orders', partition: '1', replicas: '3,1' };
    expect(await send(`${url}move`, { body: moved, headers: HEADER })).toMatchObject({ status: 200 });
    await eventually('the partition has moved', async () => {
      const { picture } = await ask<{ picture: ClusterPicture }>('api/picture');
      return picture.partitions['orders-1']?.replicas.join() === '3,1';
    });
    const wrong = await send(`${url}move`, { body: { ...moved, replicas: '9' }, headers: HEADER });
    expect(wrong.status).toBe(502);
    expect((wrong.body as { error: string }).error).toContain('INVALID_REPLICA_ASSIGNMENT');
  });

  it('holds a move back, to another rate, and gives it up with its throttles', async () => {
    const change = (path: string, body: object): Promise<Answer> =>
      send(`${world.console.url}api/${path}`, { body, headers: HEADER });
    const sure = async (path: string, body: object): Promise<void> =>
      expect(await change(path, body)).toEqual({ status: 200, body: {} });
    const held = { topic: 'held', partition: '0' };
    await world.cluster.createTopics({ name: 'held', partitions: 1, replicationFactor: 1 });
    const value = 'x'.repeat(100_000);
    for (let at = 0; at < 30; at++) await world.cluster.produce('held', [{ value, partition: 0 }]);
    const partition = async () => {
      const { picture } = await ask<{ picture: ClusterPicture }>('api/picture');
      return picture.partitions['held-0'];
    };
    await eventually('the topic is seen', async () => (await partition()) !== undefined);
    const [from = 0] = (await partition())?.replicas ?? [];
    const to = (from % 3) + 1;
    await sure('move', { ...held, replicas: `${to}`, rate: '1' });
    expect(await ask<ThrottlesView>('api/throttles')).toEqual({
      brokers: [from, to]
        .sort((a, b) => a - b)
        .map((id) => ({
          id,
          configs: [
            ['leader.replication.throttled.rate', '1'],
            ['follower.replication.throttled.rate', '1'],
          ],
        })),
      topics: [
        {
          name: 'held',
          configs: expect.arrayContaining([
            ['leader.replication.throttled.replicas', `0:${from}`],
            ['follower.replication.throttled.replicas', `0:${to}`],
          ]),
        },
      ],
    });
    await eventually('it moves', async () => (await partition())?.adding.join() === `${to}`);
    expect(await change('clear-throttles', {})).toMatchObject({
      status: 400,
      body: { error: '1 partitions move still: throttles are taken away after that' },
    });
    await sure('throttle', { rate: '2' });
    const { brokers } = await ask<ThrottlesView>('api/throttles');
    expect(brokers[0]?.configs.map(([, rate]) => rate)).toEqual(['2', '2']);
    await sure('cancel-move', held);
    expect(await ask('api/throttles')).toEqual({ brokers: [], topics: [] });
    await eventually('it stays', async () => (await partition())?.replicas.join() === `${from}`);
    expect(await change('throttle', { rate: '2' })).toMatchObject({ body: { error: 'nothing moves' } });
  });

  it('is one of two that show and change the same cluster', async () => {
    const { bootstrapServers, zookeeper } = world.cluster;
    const other = await startConsole(bootstrapServers, zookeeper ?? '', true);
    const move = { topic: 'orders', partition: '2', replicas: '2,3' };
    const replicasAt = async (url: string): Promise<string | undefined> => {
      const { body } = await send(`${url}api/picture`);
      return (body as { picture: ClusterPicture }).picture.partitions['orders-2']?.replicas.join();
    };
    try {
      const moved = await send(`${other.server.url}api/move`, { body: move, headers: HEADER });
      expect(moved).toMatchObject({ status: 200 });
      for (const url of [world.console.url, other.server.url])
        await eventually('both show the move', async () => (await replicasAt(url)) === '2,3');
      // It is over already: the second to give it up is told so.
      const late = await send(`${world.console.url}api/cancel-move`, { body: move, headers: HEADER });
      expect(late.body).toMatchObject({ error: expect.stringContaining('NO_REASSIGNMENT_IN_PROGRESS') });
    } finally {
      await other.close();
    }
  });

  it('tells a failover as it happens, and can show the moment before', async () => {
    const told = new AbortController();
    const response = await fetch(`${world.console.url}api/stream`, { signal: told.signal });
    let text = '';
    const reading = (async () => {
      for await (const part of response.body ?? []) text += Buffer.from(part).toString();
    })().catch(() => {});
    const { picture } = await ask<{ picture: ClusterPicture }>('api/picture');
    const controller = picture.controllerId;
    await world.cluster.kill(controller);
    await eventually('another controller is told', () => /"controllerId":[123],/.test(changesOf(text)));
    await eventually('progress is told', () => text.includes('event: progress'));
    told.abort();
    await reading;
    const { first, changes } = await ask<Recording>('api/recording');
    expect(first.controllerId).toBe(controller);
    expect(changes.findLast((change) => (change.controllerId ?? -1) > 0)?.controllerId).not.toBe(controller);
  });
});

function changesOf(stream: string): string {
  return stream
    .split('\n\n')
    .filter((event) => event.startsWith('event: change'))
    .join('\n');
}

describe('a console that only shows', () => {
  it('changes nothing', async () => {
    const world = await startConsoled(false);
    const body = { topic: 'orders', partition: '0', type: 'preferred' };
    const answer = await send(`${world.console.url}api/elect-leader`, { body, headers: HEADER });
    expect(answer).toEqual({
      status: 403,
      body: { error: 'this console only shows: start it with --allow-changes' },
    });
    await world.close();
  });
});
