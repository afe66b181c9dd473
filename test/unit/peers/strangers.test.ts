/** Who is not let in by the peer endpoint, what he is told, and what he can't keep others from. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_HANDSHAKE_BYTES, PROTOCOL_REVISION } from '../../../broker/peers/handshake.ts';
import { isLoopback } from '../../../broker/peers/loopback.ts';
import { answering, ask, helloWith, type Node, PeerWorld, type Stranger } from './support.ts';

let world: PeerWorld;
let two: Node;

beforeEach(async () => {
  world = new PeerWorld();
  two = await world.node(2);
});

/** What the stranger has heard, as text. */
function told({ heard }: Stranger): string {
  return JSON.stringify(heard);
}

describe('a stranger', () => {
  it('is told nothing of the cluster, whatever he guesses', async () => {
    for (const guess of [{}, { clusterId: 'guess' }, { expectedBrokerId: 7 }, { brokerId: 2 }]) {
      const stranger = await world.stranger('elsewhere', two);
      stranger.greet(helloWith(guess), 'guess');
      await world.clock.runFor(100);
      expect(stranger.heard).toEqual([
        { type: 'challenge', nonce: expect.anything() },
        { type: 'refused', reason: 'the shared secrets differ' },
      ]);
      expect(stranger.channel.open).toBe(false);
    }
  });

  it('who knows the secret, but not whom he wants, is told which is wrong and not what is right', async () => {
    for (const [guess, reason] of [
      [{ clusterId: 'guess' }, 'the cluster ids differ'],
      [{ expectedBrokerId: 7 }, 'another broker is meant'],
      [{ brokerId: 2 }, 'the broker ids are the same'],
    ] as const) {
      const stranger = await world.stranger('elsewhere', two);
      stranger.greet(helloWith(guess), 'secret');
      await world.clock.runFor(100);
      expect(stranger.heard.at(-1)).toEqual({ type: 'refused', reason });
      expect(told(stranger)).not.toContain('"cluster"');
    }
    expect(two.lines.join()).toContain('this is broker 2');
  });

  it('of another protocol revision is refused', async () => {
    const stranger = await world.stranger('elsewhere', two);
    stranger.greet(helloWith({ revision: PROTOCOL_REVISION + 1 }), 'secret');
    await world.clock.runFor(100);
    const reason = expect.stringContaining(`revision ${PROTOCOL_REVISION + 1}`);
    expect(stranger.heard).toEqual([{ type: 'refused', reason }]);
    expect(stranger.channel.open).toBe(false);
  });

  it('is not listened to before he has proven anything', async () => {
    const asked = answering(two);
    const stranger = await world.stranger('elsewhere', two);
    stranger.greet(helloWith(), 'guess', [{ id: 1, type: 'AllocateProducerIds', request: ask(1) }]);
    await world.clock.runFor(100);
    const hasty = await world.stranger('elsewhere', two);
    hasty.say({ id: 1, type: 'AllocateProducerIds', request: ask(1) });
    await world.clock.runFor(100);
    expect([asked, stranger.channel.open, hasty.channel.open]).toEqual([[], false, false]);
    expect(two.lines.join()).toContain('shared secrets differ');
  });

  it('who answers in the place of a broker, and does not know the secret, is not spoken to', async () => {
    const one = await world.node(1);
    const impostor = await world.node(3, { brokerId: 2, sharedSecret: 'guess' });
    const asked = answering(impostor);
    const failed = one.peers
      .request({ ...impostor.info, id: 2 }, ask(1), 1000)
      .catch((error: Error) => error);
    expect(String(await world.clock.runUntilSettled(failed, 5000))).toContain('shared secrets differ');
    expect(asked).toEqual([]);
  });

  it('who says nothing is sent away', async () => {
    const { channel } = await world.stranger('elsewhere', two);
    await world.clock.runFor(900);
    expect(channel.open).toBe(true);
    await world.clock.runFor(200);
    expect(channel.open).toBe(false);
  });

  it('who sends bytes that are no handshake, or more of them than a handshake has, is sent away', async () => {
    const junk = [Buffer.alloc(3), Buffer.from('00000001ff', 'hex'), Buffer.alloc(MAX_HANDSHAKE_BYTES + 1)];
    for (const bytes of junk) {
      const { channel } = await world.stranger('elsewhere', two);
      channel.send([bytes]);
      await world.clock.runFor(100);
      expect(channel.open).toBe(false);
    }
    expect(two.lines.filter((line) => line.includes('malformed'))).toHaveLength(2);
  });
});

it('strangers fill no log, by whatever names they come and whatever they say', async () => {
  const said = two.lines.length;
  for (let round = 0; round < 60; round += 1) {
    const named = await world.stranger('elsewhere', two);
    named.greet(helloWith({ brokerId: 100 + round }), 'guess');
    await world.clock.runFor(5);
    const senseless = await world.stranger('elsewhere', two);
    senseless.channel.send([Buffer.from(`000000${(round + 16).toString(16)}ff`, 'hex')]);
    await world.clock.runFor(5);
  }
  expect(two.lines.length - said).toBeLessThanOrEqual(10);
  await world.clock.runFor(10_000);
  expect(two.lines.at(-1)).toMatch(/\d+ more refused peers in the last 10 s/);
});

describe('a peer', () => {
  it.each([
    ['a broker', { type: 'AllocateProducerIds', brokerId: 3, brokerEpoch: 1 }],
    ['the controller', { type: 'StopReplica', controllerId: 3, controllerEpoch: 1, brokerEpoch: -1 }],
    ['nobody', { type: 'StopReplica', controllerEpoch: 1, brokerEpoch: -1 }],
  ])('that speaks for %s that it has not proven to be is cut off', async (_whom, request) => {
    let asked = 0;
    for (const type of ['AllocateProducerIds', 'StopReplica'] as const) {
      two.peers.handle(type, () => {
        asked += 1;
        return { error: 0, partitions: [], producerIdStart: 0, producerIdLength: 0 };
      });
    }
    const peer = await world.stranger('host1', two);
    peer.greet(helloWith(), 'secret', [{ id: 1, type: request.type, request }]);
    await world.clock.runFor(100);
    expect([asked, peer.channel.open]).toEqual([0, false]);
    expect(two.lines.join()).toContain('Broker 1 sent a malformed request');
  });
});

describe('without a shared secret', () => {
  beforeEach(async () => {
    two = await world.node(2, { sharedSecret: '' });
  });

  it('nobody of another machine is taken, and the log says at the start what to do', async () => {
    const asked = answering(two);
    const stranger = await world.stranger('elsewhere', two);
    stranger.greet(helloWith(), '', [{ id: 1, type: 'AllocateProducerIds', request: ask(1) }]);
    await world.clock.runFor(100);
    const reason = 'without a shared secret only brokers of the same machine are taken';
    expect([stranger.heard, asked]).toEqual([[{ type: 'refused', reason }], []]);
    expect(two.lines[0]).toMatch(/WARN peer\.shared\.secret is not set: .* set it to the same/);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['localhost', true],
    ['', false],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['127.0.0.1.example', false],
  ])('%s is taken for the same machine: %s', (address, same) => {
    expect(isLoopback(address)).toBe(same);
  });
});

describe('handshakes that take up all the room', () => {
  it('of one address give way to each other, the oldest first', async () => {
    const mute = [];
    for (let index = 0; index < 6; index++) mute.push(await world.stranger('elsewhere', two));
    await world.clock.runFor(10);
    expect(mute.map(({ channel }) => channel.open)).toEqual([false, true, true, true, true, true]);
  });

  it('of many addresses do not keep a broker out', async () => {
    answering(two);
    for (let index = 0; index < 30; index++) await world.stranger(`elsewhere${index}`, two);
    const one = await world.node(1);
    const answer = await world.clock.runUntilSettled(one.peers.request(two.info, ask(5), 1000), 5000);
    expect(answer.producerIdStart).toBe(5000);
  });

  it('do not push out a handshake from where a broker has been welcomed', async () => {
    answering(two);
    const one = await world.node(1);
    await world.clock.runUntilSettled(one.peers.request(two.info, ask(5), 1000), 5000);
    const slow = await world.stranger('host1', two);
    for (let index = 0; index < 30; index++) await world.stranger(`elsewhere${index}`, two);
    await world.clock.runFor(10);
    expect(slow.channel.open).toBe(true);
  });
});
