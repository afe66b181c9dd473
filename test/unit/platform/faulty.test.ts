/** A platform that can be hurt: what reaches a broker on it, and what is left when it is dead. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../../broker/platform/channels.ts';
import { type FaultyPlatform, faulty } from '../../../broker/platform/faulty/faulty.ts';
import { Lane } from '../../../broker/platform/faulty/lane.ts';
import { LinkRule } from '../../../broker/platform/faulty/link-rule.ts';
import { Links } from '../../../broker/platform/faulty/links.ts';
import { WallClockJumps } from '../../../broker/platform/faulty/wall-clock.ts';
import type { Platform } from '../../../broker/platform/platform.ts';
import type { ByteSocket } from '../../../broker/platform/sockets.ts';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { eventually as within } from '../../support/eventually.ts';
import { World } from '../../support/world.ts';

const base = systemPlatform({ write: () => {} });
const HOST = '127.0.0.1';

let directory: string;
let links: Links;
let hurt: FaultyPlatform;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-faulty-'));
  links = new Links();
  hurt = faulty(base, links);
});
afterEach(async () => {
  await hurt.faults.kill();
  rmSync(directory, { recursive: true });
});

const eventually = (holds: () => boolean): Promise<void> => within('it', holds);

/** A listener on the faulty platform that sends everything back. */
async function echo(): Promise<{ port: number; accepted: ByteSocket[] }> {
  const accepted: ByteSocket[] = [];
  const { port } = await hurt.platform.sockets.listen({
    host: HOST,
    port: 0,
    backlog: 10,
    accept(socket) {
      accepted.push(socket);
      socket.on({ data: (chunk) => socket.write([Buffer.from(chunk)]), close: () => {} });
    },
  });
  return { port, accepted };
}

/** A client of the plain platform, and what it has heard. */
async function client(port: number) {
  const socket = await base.sockets.dial({ host: HOST, port, timeoutMs: 20_000 });
  const heard = { text: '', closed: false };
  socket.on({
    data: (chunk) => {
      heard.text += String(chunk);
    },
    close: () => {
      heard.closed = true;
    },
  });
  return { heard, say: (text: string) => socket.write([Buffer.from(text)]), end: () => socket.destroy() };
}

describe('a dead process', () => {
  it('is never called again, and its port, its files and its lock are free', async () => {
    const { port } = await echo();
    const { heard } = await client(port);
    const { platform, faults } = hurt;
    const calls: string[] = [];
    platform.clock.after(1, () => calls.push('timer'));
    const file = platform.disk.open(join(directory, 'f'), 'write');
    platform.disk.lock(join(directory, '.lock'));
    const synced = file.syncInBackground().then(() => calls.push('synced'));
    await faults.kill();
    await eventually(() => heard.closed);
    expect(() => file.sizeBytes()).toThrow('EBADF');
    expect(() => platform.disk.writeFileAtomically(join(directory, 'g'), 'x')).toThrow('the process is gone');
    const next = faulty(base, new Links());
    next.platform.disk.lock(join(directory, '.lock'));
    await next.platform.sockets.listen({ host: HOST, port, backlog: 1, accept: () => {} });
    await next.faults.kill();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).toEqual([]);
    void synced;
  });
});

describe('a process that stands still', () => {
  it('finds everything waiting, in its order', async () => {
    const { port } = await echo();
    const { heard, say, end } = await client(port);
    say('one');
    await eventually(() => heard.text === 'one');
    hurt.faults.pause();
    const calls: string[] = [];
    hurt.faults.enter(() => calls.push('entered'));
    say('two');
    say('three');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([heard.text, calls]).toEqual(['one', []]);
    hurt.faults.resume();
    await eventually(() => heard.text === 'onetwothree');
    expect(calls).toEqual(['entered']);
    end();
  });
});

describe('links', () => {
  it('that are cut end what stands and take nothing new, until they are mended', async () => {
    const { port } = await echo();
    const first = await client(port);
    first.say('x');
    await eventually(() => first.heard.text === 'x');
    links.clients.place({ isCut: true });
    await eventually(() => first.heard.closed);
    const refused = await client(port);
    await eventually(() => refused.heard.closed);
    links.heal();
    const again = await client(port);
    again.say('y');
    await eventually(() => again.heard.text === 'y');
    again.end();
  });

  it('to a place that is dialled are cut for both sockets and channels', async () => {
    const listener = await base.channels.listen({
      host: HOST,
      port: 0,
      maxMessageBytes: 1000,
      accept: (channel) => channel.onMessage((message) => channel.send([Buffer.from(message)])),
      http: () => Promise.resolve({ status: 200, contentType: 'text/plain', body: '' }),
    });
    const target = { host: HOST, port: listener.port, timeoutMs: 10_000, maxMessageBytes: 1000 };
    const channel = await hurt.platform.channels.dial(target);
    const heard: string[] = [];
    let closed = '';
    channel.onMessage((message) => heard.push(String(message)));
    channel.onClose((reason) => {
      closed = reason;
    });
    channel.send([Buffer.from('one')]);
    await eventually(() => heard.length === 1);
    links.to(HOST, listener.port).place({ isSilent: true });
    channel.send([Buffer.from('two')]);
    await expect(hurt.platform.channels.dial({ ...target, timeoutMs: 20 })).rejects.toThrow('ETIMEDOUT');
    expect(heard).toEqual(['one']);
    links.heal();
    await eventually(() => heard.length === 2);
    links.to(HOST, listener.port).place({ isCut: true });
    await eventually(() => closed !== '');
    await expect(hurt.platform.channels.dial(target)).rejects.toThrow('ECONNREFUSED');
    await expect(hurt.platform.sockets.dial(target)).rejects.toThrow('ECONNREFUSED');
    await listener.close();
  });
});

describe('a lane', () => {
  it('keeps the order while its rule changes, and holds what nobody takes', async () => {
    const clock = new World().clock;
    const rule = new LinkRule();
    const lane = new Lane({ clock, rules: [rule], direction: 'out', fraction: () => 0 });
    const came: string[] = [];
    const pass = (what: string) => lane.pass(() => came.push(`${what} at ${clock.nowMs()}`));
    pass('a');
    const slower = rule.place({ delayMs: 100 });
    pass('b');
    rule.place({ delayMs: 10 });
    slower();
    pass('c');
    await clock.runFor(50);
    expect(came).toEqual(['a at 0']);
    await clock.runFor(50);
    expect(came).toEqual(['a at 0', 'b at 100', 'c at 100']);
    lane.hold(true);
    pass('d');
    await clock.runFor(1000);
    expect(came).toHaveLength(3);
    lane.hold(false);
    rule.heal();
    lane.changed();
    await clock.runFor(0);
    expect(came.at(-1)).toBe('d at 1100');
    expect(lane.isOpen).toBe(true);
  });
});

/** A lane with effects of its own. */
function lane(...chances: number[]) {
  const { clock } = new World();
  const rule = new LinkRule();
  const made = new Lane({ clock, rules: [rule], direction: 'out', fraction: () => chances.shift() ?? 1 });
  rule.join({ changed: () => made.changed(), broken: () => {} });
  const came: string[] = [];
  const pass = (what: string, sizeBytes = 0) =>
    made.pass(() => came.push(`${what} at ${Math.round(clock.nowMs())}`), sizeBytes);
  return { clock, rule, came, pass };
}

describe('what is done to a way', () => {
  it('lets so many bytes through a second, one piece after the other', async () => {
    const { clock, rule, came, pass } = lane();
    const heal = rule.place({ bytesPerSecond: 1000 });
    pass('a', 100);
    pass('b', 50);
    await clock.runFor(150);
    expect(came).toEqual(['a at 100', 'b at 150']);
    pass('c', 60_000);
    heal();
    await clock.runFor(0);
    expect(came.at(-1)).toBe('c at 150');
  });

  it('stalls for a retransmission where a piece is lost, twice as long for the next, and all behind it', async () => {
    const { clock, rule, came, pass } = lane(0.4, 0.4, 0.6, 0.6);
    rule.place({ lossRate: 0.5 });
    pass('lost twice');
    pass('not lost');
    await clock.runFor(599);
    expect(came).toEqual([]);
    await clock.runFor(1);
    expect(came).toEqual(['lost twice at 600', 'not lost at 600']);
  });

  it('adds up, and each is taken away alone', async () => {
    const { clock, rule, came, pass } = lane();
    const first = rule.place({ delayMs: 100 });
    const second = rule.place({ delayMs: 10, direction: 'out' });
    rule.place({ delayMs: 1000, direction: 'in' });
    pass('both');
    await clock.runFor(110);
    first();
    pass('second');
    await clock.runFor(10);
    second();
    pass('none');
    expect(came).toEqual(['both at 110', 'second at 120', 'none at 120']);
  });

  it('is silent one way, and what was held comes when that is over', async () => {
    const { clock, rule, came, pass } = lane();
    const away = rule.place({ isSilent: true, direction: 'in' });
    pass('out');
    away();
    const here = rule.place({ isSilent: true, direction: 'out' });
    pass('held');
    await clock.runFor(10_000);
    expect(came).toEqual(['out at 0']);
    here();
    await clock.runFor(0);
    expect(came).toEqual(['out at 0', 'held at 10000']);
  });
});

describe('the way to a broker', () => {
  it('is cut for channels that either of both has dialled, once it is known who is there', async () => {
    const accepted: Channel[] = [];
    const listen = (platform: Platform) =>
      platform.channels.listen({
        host: HOST,
        port: 0,
        maxMessageBytes: 1000,
        accept: (channel) => accepted.push(channel),
        http: () => Promise.reject(new Error('nobody asks')),
      });
    const [here, there] = await Promise.all([listen(hurt.platform), listen(base)]);
    const toThere = { host: HOST, port: there.port, timeoutMs: 10_000, maxMessageBytes: 1000, brokerId: 2 };
    const dialled = await hurt.platform.channels.dial(toThere);
    await eventually(() => accepted.length === 1);
    const other = await base.channels.dial({ ...toThere, port: here.port });
    await eventually(() => accepted.length === 2);
    const incoming = accepted[1] as Channel;
    const closed: string[] = [];
    dialled.onClose(() => closed.push('dialled'));
    incoming.onClose(() => closed.push('incoming'));
    const heal = links.broker(2).place({ isCut: true });
    await eventually(() => closed.length === 1);
    expect(closed).toEqual(['dialled']);
    incoming.identified?.(2);
    await eventually(() => closed.length === 2);
    await expect(hurt.platform.channels.dial(toThere)).rejects.toThrow('ECONNREFUSED');
    heal();
    (await hurt.platform.channels.dial(toThere)).destroy();
    other.destroy();
    await there.close();
  });
});

describe('a wall clock', () => {
  it('jumps and jumps back, while monotonic time and timers go on', async () => {
    const world = new World();
    const jumps = new WallClockJumps();
    const clock = jumps.clock(world.clock);
    const [wallMs, nowMs] = [clock.wallMs(), clock.nowMs()];
    let isDue = false;
    clock.after(10, () => {
      isDue = true;
    });
    const back = jumps.jump(3_600_000);
    jumps.jump(-1000);
    expect([clock.wallMs() - wallMs, clock.nowMs() - nowMs]).toEqual([3_599_000, 0]);
    await world.clock.runFor(10);
    expect(isDue).toBe(true);
    back();
    back();
    expect(clock.wallMs() - wallMs).toBe(-990);
  });
});
