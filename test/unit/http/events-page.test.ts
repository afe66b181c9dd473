/** /events: which events are told, in which form, to whom, and what is refused. */
import { describe, expect, it } from 'vitest';
import { EventsPage } from '../../../broker/http/events-page.ts';
import type { HttpHeaders, HttpStream } from '../../../broker/platform/channels.ts';
import type { ClusterEvent } from '../../../broker/platform/cluster-events.ts';
import { World } from '../../support/world.ts';

const MOVED = {
  kind: 'partitions-moved',
  reason: 'failover',
  controllerEpoch: 2,
  partitions: 101,
  leadersMoved: 101,
  leaderless: 0,
  isrsShrunk: 101,
  isrsExpanded: 0,
  unclean: 0,
  uncleanPartitions: [],
  details: [
    {
      from: 1,
      to: 2,
      isrFrom: [1, 2],
      isr: [2],
      leaderEpoch: 1,
      partitionEpoch: 1,
      unclean: false,
      topics: [['many', '0-100']],
    },
  ],
  detailsLeftOut: 0,
} as const satisfies ClusterEvent;

function setUp({ maxReaders = 3 } = {}) {
  const world = World.flowing();
  const { journal, clock } = world.platform();
  journal.identify(1, 7);
  const page = new EventsPage({ journal, files: null, clock, maxReaders });
  const ask = (search: string, headers: HttpHeaders = {}) => page.answer(search, headers);
  const open = (search: string, headers: HttpHeaders = {}) => {
    const { body } = ask(search, headers);
    if (typeof body === 'string') throw new Error(body);
    return body;
  };
  /** What comes when nothing happens for long. */
  const quiet = async (stream: HttpStream) => {
    const piece = stream.next();
    await world.clock.runFor(15_000);
    return piece;
  };
  return { journal, ask, open, quiet };
}

async function whole(stream: HttpStream): Promise<string[]> {
  const lines: string[] = [];
  for (let piece = await stream.next(); piece !== null; piece = await stream.next())
    lines.push(...piece.split('\n').filter((line) => line !== ''));
  stream.close();
  return lines;
}

async function ids(stream: HttpStream): Promise<number[]> {
  return (await whole(stream)).map((line) => (JSON.parse(line) as { id: number }).id);
}

describe('/events', () => {
  it('tells what there is as JSON lines, and ends', async () => {
    const { journal, ask, open } = setUp();
    journal.record({ kind: 'broker-started' });
    journal.record({ kind: 'topic-deleted', topic: 't' }, { brokerId: 2, id: 9 });
    expect(ask('').contentType).toBe('application/jsonl; charset=utf-8');
    const told = (await whole(open(''))).map((line) => JSON.parse(line) as unknown);
    expect(told).toEqual(journal.since(0));
    expect(told[1]).toMatchObject({ id: 2, causeId: 9, causeBrokerId: 2 });
  });

  it('tells only what is after an event, of some kinds, or about a partition', async () => {
    const { journal, open } = setUp();
    journal.record({ kind: 'broker-started' });
    journal.record({ kind: 'topics-created', topics: ['t', 'u'] });
    journal.record({ kind: 'topic-deleted', topic: 'u' });
    journal.record({ kind: 'isr-change-refused', topic: 't', partition: 0, error: 1 });
    journal.record({ kind: 'isr-change-refused', topic: 't', partition: 1, error: 1 });
    journal.record({ kind: 'groups-resigned', partition: 4, why: 'moved' });
    journal.record(MOVED);
    expect(await ids(open('after=4'))).toEqual([5, 6, 7]);
    expect(await ids(open('kind=topic-deleted,broker-started'))).toEqual([1, 3]);
    expect(await ids(open('partition=t-0'))).toEqual([2, 4]);
    expect(await ids(open('partition=__consumer_offsets-4'))).toEqual([6]);
    expect(await ids(open('partition=many-100'))).toEqual([7]);
    expect(await ids(open('partition=many-101'))).toEqual([]);
    expect(await ids(open('partition=t-0&kind=isr-change-refused&after=1'))).toEqual([4]);
  });

  it('tells what an event sums up only to those who ask for it', async () => {
    const { journal, open } = setUp();
    journal.record(MOVED);
    const { details: _, ...summary } = MOVED;
    const event = async (search: string) =>
      (JSON.parse((await whole(open(search)))[0] ?? '') as { event: unknown }).event;
    expect(await event('')).toEqual(summary);
    expect(await event('details=true')).toEqual(MOVED);
  });

  it('goes on with what comes, for who follows, and gives a sign of life when nothing does', async () => {
    const { journal, open, quiet } = setUp();
    journal.record({ kind: 'broker-started' });
    const stream = open('follow=true');
    expect(await stream.next()).toContain('"id":1');
    const second = stream.next();
    journal.record({ kind: 'shutdown-begun' });
    expect(await second).toContain('"id":2');
    expect(await quiet(stream)).toBe('\n');
    const last = stream.next();
    stream.close();
    expect(await last).toBe(null);
  });

  it('speaks the language of EventSource to those who accept it, and takes up where they were', async () => {
    const { journal, open, ask, quiet } = setUp();
    const headers = { accept: 'text/event-stream' };
    for (let count = 0; count < 3; count++) journal.record({ kind: 'broker-started' });
    expect(ask('', headers).contentType).toBe('text/event-stream; charset=utf-8');
    const stream = open('after=1', { ...headers, 'last-event-id': '2' });
    expect(await stream.next()).toBe(`id: 3\ndata: ${JSON.stringify(journal.since(2)[0])}\n\n`);
    expect(await quiet(stream)).toBe(':\n\n');
    stream.close();
    expect(await whole(open('follow=false', headers))).toHaveLength(6);
  });

  it('tells of a gap who was away for too long, or reads too slowly', async () => {
    const { journal, open } = setUp();
    const record = (count: number) => {
      for (let index = 0; index < count; index++) journal.record({ kind: 'broker-started' });
    };
    record(1);
    const slow = open('follow=true', { accept: 'text/event-stream' });
    await slow.next();
    record(10_000);
    expect(await slow.next()).toMatch(/^id: 2\n/);
    record(20_000);
    let piece = '';
    while (!piece.includes('gap')) piece = (await slow.next()) ?? 'gap';
    expect(piece).toMatch(/event: gap\ndata: {"after":201,"before":20002}\n\nid: 20002\n/);
    slow.close();
    expect((await whole(open('after=7')))[0]).toBe('{"gap":{"after":7,"before":20002}}');
  });

  it('comes in pieces of a bounded size, however many events wait', async () => {
    const { journal, open } = setUp();
    for (let index = 0; index < 200; index++)
      journal.record({ kind: 'topic-deleted', topic: 'x'.repeat(2000) });
    const stream = open('');
    const sizes: number[] = [];
    for (let piece = await stream.next(); piece !== null; piece = await stream.next())
      sizes.push(piece.length);
    expect(Math.max(...sizes)).toBeLessThan(70_000);
    expect(sizes.length).toBeGreaterThan(5);
  });

  it('has as many readers as it may, and a place for another when one goes', () => {
    const { ask, open } = setUp({ maxReaders: 2 });
    const first = open('follow=true');
    open('follow=true');
    expect(ask('')).toMatchObject({
      status: 503,
      body: '2 readers are the most that journal.max.readers allows\n',
    });
    first.close();
    expect(ask('').status).toBe(200);
  });

  it.each([
    ['kind=leader-move', /^there is no kind 'leader-move'; kinds are controller-elected, /],
    ['partition=t', /^partition must be TOPIC-NUMBER, not 't'$/],
    ['partition=t-x', /^partition must be TOPIC-NUMBER, not 't-x'$/],
    ['after=x', /^after must be the id of an event, not 'x'$/],
    ['after=-1', /^after must be the id of an event, not '-1'$/],
    ['follow=yes', /^follow must be true or false, not 'yes'$/],
    ['details=1', /^details must be true or false, not '1'$/],
    ['kinds=x', /^there is no 'kinds' here, but after, kind, partition, follow, details$/],
    ['kind=a%0Ab', /^there is no kind 'a b'; /],
  ])('refuses %s in one line', (search, problem) => {
    const { status, body } = setUp().ask(search);
    expect(status).toBe(400);
    expect(String(body).slice(0, -1)).toMatch(problem);
    expect(String(body).indexOf('\n')).toBe(String(body).length - 1);
  });
});
