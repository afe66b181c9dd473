/** One connection: order of answers, framing at every split point, hostile sizes, back-pressure. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Alone, NotYet } from '../../../broker/network/outcome.ts';
import { World } from '../../support/world.ts';
import { connect, echo, FETCH, frame, manual, PRODUCE, released, reply, settled } from './one-connection.ts';

beforeEach(() => {
  released.length = 0;
});

describe('framing', () => {
  const stream = Buffer.concat([frame(FETCH, 'first'), frame(PRODUCE, ''), frame(FETCH, 'third one')]);

  it('finds the same frames wherever the stream is cut in two', () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const { socket } = connect(echo, { maxUnsentBytes: 1000 });
      socket.arrive(stream.subarray(0, cut));
      socket.arrive(stream.subarray(cut));
      expect(socket.written.toString(), `cut at ${cut}`).toBe('<first><><third one>');
    }
  });

  it('finds the same frames when single bytes arrive', () => {
    const { socket } = connect(echo, { maxUnsentBytes: 1000 });
    for (const byte of stream) socket.arrive(Buffer.from([byte]));
    expect(socket.written.toString()).toBe('<first><><third one>');
  });

  it('hands a frame that lies within a chunk on without copying it', () => {
    const frames: Buffer[] = [];
    const { socket } = connect((bytes) => {
      frames.push(bytes);
      return 'nothing';
    });
    socket.arrive(frame(FETCH, 'whole'));
    // The socket has overwritten the chunk since: a view shows that, a copy would not.
    expect(frames[0]?.every((byte) => byte === 0xee)).toBe(true);
  });

  it.each([
    ['negative', -1],
    ['longer than socket.request.max.bytes', 1001],
    ['as long as an int32 can say', 0x7fffffff],
  ])('closes the connection on a size that is %s, after the answers before it', (_name, size) => {
    const { socket, closed } = connect(echo);
    const bad = Buffer.alloc(8);
    bad.writeInt32BE(size);
    socket.arrive(frame(FETCH, 'ok'), bad);
    expect(socket.written.toString()).toBe('<ok>');
    expect(closed()).toBe(true);
  });

  it('reserves memory for what arrives, not for what a peer announces', () => {
    const { socket, connection } = connect(echo, {
      frames: { maxBytes: 100 << 20, config: 'socket.request.max.bytes' },
    });
    const start = Buffer.alloc(6);
    start.writeInt32BE(100 << 20);
    socket.arrive(start);
    expect(connection.heldBytes).toBe(6);
  });

  it('leaves the buffer of a large frame to whoever goes on with it, and frees that of any other', async () => {
    const taken: { bytes: Buffer; isOwn: boolean | undefined }[] = [];
    const { socket } = connect(
      (bytes, _session, isOwn) => {
        taken.push({ bytes, isOwn });
        return taken.length === 3 ? Alone.resolve('nothing' as const) : 'nothing';
      },
      { frames: { maxBytes: 100 << 20, config: 'socket.request.max.bytes' } },
    );
    const [small, large] = ['s'.repeat(1000), 'l'.repeat(5 << 20)].map((text) => frame(FETCH, text));
    for (const sent of [small, large, large, small]) {
      const bytes = sent ?? Buffer.alloc(0);
      socket.arrive(bytes.subarray(0, bytes.length - 1));
      socket.arrive(bytes.subarray(bytes.length - 1));
      await settled();
    }
    expect(taken.map(({ isOwn }) => isOwn)).toEqual([false, true, true, false]);
    expect(taken[1]?.bytes.length).toBe(0);
    // What came later has not overwritten it.
    expect(taken[2]?.bytes.subarray(2).equals(Buffer.alloc(5 << 20, 'l'))).toBe(true);
  });

  it('gives back what has come of a frame when its connection is gone', () => {
    const { socket, pool } = connect(echo);
    const bytes = frame(FETCH, 'in two parts');
    socket.arrive(bytes.subarray(0, 7));
    socket.destroy();
    expect(pool.keptBytes).toBe(4096);
  });

  it('one that was refused, and has others behind it, is nobody’s own', async () => {
    const taken: (boolean | undefined)[] = [];
    let isFull = true;
    let freed = (): void => {};
    const { socket } = connect(
      (_bytes, _session, isOwn) => {
        if (isFull) {
          return new NotYet((resolve) => {
            freed = () => resolve('nothing');
          });
        }
        taken.push(isOwn);
        return 'nothing';
      },
      { frames: { maxBytes: 100 << 20, config: 'socket.request.max.bytes' } },
    );
    const large = frame(FETCH, 'l'.repeat(5 << 20));
    socket.arrive(large.subarray(0, 100));
    socket.arrive(Buffer.concat([large.subarray(100), frame(FETCH, 'small')]));
    isFull = false;
    freed();
    await settled();
    expect(taken).toEqual([false, false]);
  });

  it('gives the private buffer of a partial frame back to the pool', () => {
    const { socket, pool } = connect(echo);
    const bytes = frame(FETCH, 'in two parts');
    socket.arrive(bytes.subarray(0, 7));
    expect(pool.keptBytes).toBe(0);
    socket.arrive(bytes.subarray(7));
    expect(pool.keptBytes).toBe(4096);
  });
});

describe('order of answers', () => {
  it('Produce requests start while earlier ones wait, and are answered in request order', async () => {
    const { dispatch, started, answer } = manual();
    const { socket } = connect(dispatch);
    socket.arrive(frame(PRODUCE, 'a'), frame(PRODUCE, 'b'), frame(PRODUCE, 'c'));
    expect(started).toEqual(['a', 'b', 'c']);
    await answer('c');
    await answer('b');
    expect(socket.written.toString()).toBe('');
    await answer('a');
    expect(socket.written.toString()).toBe('<a><b><c>');
    expect(socket.writes).toBe(1);
  });

  it('any other request starts only when all before it are answered, and holds back those after it', async () => {
    const { dispatch, started, answer } = manual();
    const { socket } = connect(dispatch);
    socket.arrive(frame(PRODUCE, 'a'), frame(FETCH, 'b'), frame(PRODUCE, 'c'));
    expect(started).toEqual(['a']);
    await answer('a');
    expect(started).toEqual(['a', 'b']);
    await answer('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await answer('c');
    expect(socket.written.toString()).toBe('<a><b><c>');
    expect(socket.paused).toBe(false);
  });

  it('no Produce request overtakes one that is carried out over several turns', async () => {
    const { dispatch, started, answer } = manual();
    const { socket } = connect((bytes, session) => {
      const outcome = dispatch(bytes, session);
      return bytes.toString('latin1', 2) === 'b' ? Alone.resolve(outcome) : outcome;
    });
    socket.arrive(frame(PRODUCE, 'a'), frame(PRODUCE, 'b'), frame(PRODUCE, 'c'));
    expect(started).toEqual(['a', 'b']);
    await answer('a');
    expect(started).toEqual(['a', 'b']);
    await answer('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await answer('c');
    expect(socket.written.toString()).toBe('<a><b><c>');
  });

  it('a request that there is no room for is offered again when there is, and nothing overtakes it', async () => {
    const { dispatch, started, answer } = manual();
    let makeRoom = (): void => {};
    let isFull = true;
    const { socket } = connect((bytes, session) => {
      if (!isFull) return dispatch(bytes, session);
      return new NotYet((resolve) => {
        makeRoom = () => resolve('nothing');
      });
    });
    socket.arrive(frame(FETCH, 'a'), frame(PRODUCE, 'b'));
    expect([started, socket.paused]).toEqual([[], true]);
    isFull = false;
    makeRoom();
    await settled();
    expect(started).toEqual(['a']);
    await answer('a');
    await answer('b');
    expect(socket.written.toString()).toBe('<a><b>');
  });

  it('a request without a response leaves no gap', async () => {
    const { dispatch, answer } = manual();
    const { socket } = connect(dispatch);
    socket.arrive(frame(PRODUCE, 'a'), frame(PRODUCE, 'b'));
    await answer('b');
    await answer('a', 'nothing');
    expect(socket.written.toString()).toBe('<b>');
  });

  it('the answers of one burst leave in one write', () => {
    const { socket } = connect(echo, { maxUnsentBytes: 1000 });
    socket.arrive(frame(FETCH, 'a'), frame(FETCH, 'b'), frame(FETCH, 'c'));
    expect(socket.writes).toBe(1);
  });

  it('a request that closes the connection does so after the answers before it, and nothing follows', async () => {
    const { dispatch, started, answer } = manual();
    const { socket, closed } = connect(dispatch);
    socket.arrive(frame(PRODUCE, 'a'), frame(PRODUCE, 'b'), frame(PRODUCE, 'c'));
    await answer('b', 'close');
    await answer('c');
    expect(closed()).toBe(false);
    await answer('a');
    expect(socket.written.toString()).toBe('<a>');
    expect(closed()).toBe(true);
    expect(started).toEqual(['a', 'b', 'c']);
    expect(released.sort()).toEqual(['<a>', '<c>']);
  });

  it('frames behind a request that closes the connection at once are not looked at', () => {
    const seen: string[] = [];
    const { socket, closed } = connect((bytes) => {
      seen.push(bytes.toString('latin1', 2));
      return 'close';
    });
    socket.arrive(frame(FETCH, 'bad'), frame(FETCH, 'next'));
    return settled().then(() => {
      expect(seen).toEqual(['bad']);
      expect(closed()).toBe(true);
    });
  });
});

describe('back-pressure', () => {
  it('takes no more Produce requests than queued.max.requests allows, and stops reading', async () => {
    const { dispatch, started, answer } = manual();
    const { socket } = connect(dispatch, { maxInFlightRequests: 2 });
    socket.arrive(frame(PRODUCE, 'a'), frame(PRODUCE, 'b'), frame(PRODUCE, 'c'));
    socket.arrive(frame(PRODUCE, 'd'));
    expect(started).toEqual(['a', 'b']);
    expect(socket.paused).toBe(true);
    expect(socket.unreadBytes).toBe(frame(PRODUCE, 'd').length);
    await answer('a');
    await answer('b');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('a peer that does not read its responses is not read from, and holds a bounded amount of memory', async () => {
    const { socket, connection } = connect(echo, { maxUnsentBytes: 100 });
    socket.stalled = true;
    const request = frame(FETCH, 'x'.repeat(50));
    for (let i = 0; i < 100; i += 1) {
      socket.arrive(request);
      await settled();
    }
    expect(socket.paused).toBe(true);
    expect(connection.heldBytes).toBeLessThan(100 + 4 * request.length);
    for (let i = 0; i < 100; i += 1) {
      socket.read();
      await settled();
    }
    expect(socket.written.length).toBe(100 * 52);
    expect(socket.paused).toBe(false);
  });

  it('requests that had to wait for room go on in turns, so that others are served and a dead peer is noticed', async () => {
    let started = 0;
    const { socket } = connect(() => {
      started += 1;
      return reply('x'.repeat(30));
    });
    socket.stalled = true;
    socket.arrive(Buffer.concat(Array.from({ length: 50 }, () => frame(FETCH, 'a'))));
    await settled();
    expect(started).toBe(1);
    socket.read();
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    expect(started).toBe(1);
    await settled();
    expect(started).toBe(2);
    socket.open = false;
    socket.read();
    await settled();
    expect(started).toBe(2);
  });

  it('what was answered before the limit was hit in mid-burst leaves and is not stuck', async () => {
    const { socket } = connect(echo, { maxUnsentBytes: 5 });
    const many = Array.from({ length: 20 }, (_, index) => frame(FETCH, `request ${index}`));
    socket.arrive(Buffer.concat(many));
    for (let i = 0; i < 30; i += 1) await settled();
    expect(socket.written.toString().match(/</g)?.length).toBe(20);
    expect(socket.paused).toBe(false);
  });
});

describe('buffers of answers', () => {
  it('are given back once the write has left the process', () => {
    const { socket } = connect(echo);
    socket.stalled = true;
    socket.arrive(frame(FETCH, 'a'));
    expect(released).toEqual([]);
    socket.read();
    expect(released).toEqual(['<a>']);
  });

  it('are given back when the connection dies before the handler has answered', async () => {
    const { dispatch, answer } = manual();
    const { socket } = connect(dispatch);
    socket.arrive(frame(FETCH, 'a'));
    socket.destroy();
    await answer('a');
    expect(released).toEqual(['<a>']);
    expect(socket.written.length).toBe(0);
  });
});

describe('ending', () => {
  it('answers what is under way, takes nothing more, then closes', async () => {
    const { dispatch, started, answer } = manual();
    const { socket, connection, closed } = connect(dispatch);
    socket.arrive(frame(FETCH, 'a'));
    connection.end();
    socket.arrive(frame(FETCH, 'b'));
    expect(started).toEqual(['a']);
    expect(closed()).toBe(false);
    await answer('a');
    expect(socket.written.toString()).toBe('<a>');
    expect(closed()).toBe(true);
  });
});

describe('a client over its quota', () => {
  it('is answered, and not listened to until its time is over', async () => {
    const clock = new World().clock;
    const heard: string[] = [];
    const { socket } = connect(
      (bytes, session) => {
        heard.push(bytes.toString('latin1', 2));
        if (heard.length === 1) session.mute(clock.nowMs() + 1000);
        return echo(bytes, session);
      },
      { maxUnsentBytes: 1000 },
      { clock },
    );
    socket.arrive(frame(FETCH, 'one'), frame(FETCH, 'two'), frame(FETCH, 'three'));
    await settled();
    expect(socket.written.toString()).toBe('<one>');
    await clock.runFor(999);
    expect(heard).toEqual(['one']);
    await clock.runFor(1);
    await settled();
    expect(socket.written.toString()).toBe('<one><two><three>');
  });

  it('that leaves meanwhile leaves no timer behind', async () => {
    const clock = new World().clock;
    const { socket } = connect(
      (bytes, session) => {
        session.mute(clock.nowMs() + 1000);
        return echo(bytes, session);
      },
      {},
      { clock },
    );
    socket.arrive(frame(FETCH, 'one'), frame(FETCH, 'two'));
    await clock.runFor(0);
    expect(clock.pending).toBe(1);
    socket.destroy();
    expect(clock.pending).toBe(0);
  });
});
