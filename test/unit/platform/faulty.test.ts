/** A platform that can be hurt: what reaches a broker on it, and what is left when it is dead. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultyPlatform, faulty } from '../../../broker/platform/faulty/faulty.ts';
import { Lane, LinkRule, Links } from '../../../broker/platform/faulty/links.ts';
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
  const socket = await base.sockets.dial({ host: HOST, port, timeoutMs: 1000 });
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
    links.clients.cut();
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
    links.to(HOST, listener.port).silence();
    channel.send([Buffer.from('two')]);
    await expect(hurt.platform.channels.dial({ ...target, timeoutMs: 20 })).rejects.toThrow('ETIMEDOUT');
    expect(heard).toEqual(['one']);
    links.heal();
    await eventually(() => heard.length === 2);
    links.to(HOST, listener.port).cut();
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
    const lane = new Lane(clock, rule);
    const came: string[] = [];
    const pass = (what: string) => lane.pass(() => came.push(`${what} at ${clock.nowMs()}`));
    pass('a');
    rule.slow(100);
    pass('b');
    rule.slow(10);
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
