/** A channel that changes hands: the handshake has it first, requests or replication afterwards. */
import { describe, expect, it } from 'vitest';
import { rewirableChannel } from '../../../broker/peers/rewirable-channel.ts';
import { inMemoryChannelPair } from '../../support/in-memory-channels.ts';
import { World } from '../../support/world.ts';

function setUp() {
  const world = World.flowing();
  const [near, far] = inMemoryChannelPair(world.clock);
  const heard: string[] = [];
  const rewirable = rewirableChannel(near, (reason) => heard.push(`owner: ${reason}`));
  const listenAs = (who: string): void => {
    rewirable.onMessage((message) => heard.push(`${who} gets ${message}`));
    rewirable.onDrain(() => heard.push(`${who} may send`));
    rewirable.onClose((reason) => heard.push(`${who}: ${reason}`));
  };
  const say = (text: string) => far.send([Buffer.from(text)]);
  return { world, rewirable, far, heard, listenAs, say };
}

describe('a channel that changes hands', () => {
  it('tells everything to the last who listens, and nothing to those before', async () => {
    const { world, far, heard, listenAs, say } = setUp();
    listenAs('first');
    say('1');
    await world.pass(1);
    listenAs('second');
    say('2');
    await world.pass(1);
    far.close('done');
    await world.pass(1);
    expect(heard.slice(0, 2)).toEqual(['first gets 1', 'second gets 2']);
    expect(heard.slice(2)).toEqual([expect.stringMatching(/^owner: /), expect.stringMatching(/^second: /)]);
  });

  it('loses what comes before anybody listens, as its opener speaks first', async () => {
    const { world, heard, listenAs, say } = setUp();
    say('too early');
    await world.pass(1);
    listenAs('late');
    await world.pass(1);
    expect(heard).toEqual([]);
  });

  it('tells of its end also who listens after it, and not before he has gone on', async () => {
    const { world, rewirable, far, heard, listenAs } = setUp();
    far.close('done');
    await world.pass(1);
    expect(rewirable.open).toBe(false);
    listenAs('late');
    expect(heard).toHaveLength(1);
    await Promise.resolve();
    expect(heard).toHaveLength(2);
    expect(heard[1]).toMatch(/^late: /);
  });

  it('is otherwise the channel it was', async () => {
    const { world, rewirable, far } = setUp();
    const received: string[] = [];
    far.onMessage((message) => received.push(message.toString()));
    expect([rewirable.remote, rewirable.remoteAddress, rewirable.open]).toEqual(['other:2', 'other', true]);
    let sent = false;
    rewirable.send([Buffer.from('a'), Buffer.from('b')], () => {
      sent = true;
    });
    await world.pass(1);
    expect([received, sent, rewirable.bufferedBytes]).toEqual([['ab'], true, 0]);
    rewirable.close('enough');
    expect(rewirable.open).toBe(false);
  });
});
