/** Produce requests that are kept beyond their handler: how many a connection, and all of them, may have. */
import { describe, expect, it } from 'vitest';
import { KeptMemory } from '../../../broker/network/kept-memory.ts';
import type { Dispatch } from '../../../broker/network/outcome.ts';
import { connect, FETCH, frame, PRODUCE, settled } from './one-connection.ts';

describe('requests that are kept', () => {
  /** Keeps every Produce request until the test lets go of it. */
  function keeping() {
    const started: string[] = [];
    const held = new Map<string, () => void>();
    const dispatch: Dispatch = (bytes, session) => {
      const text = bytes.toString('latin1', 2);
      started.push(text);
      if (bytes.readInt16BE(0) !== PRODUCE) return 'nothing';
      const letGo = session.keep(bytes.length);
      return new Promise((resolve) => {
        held.set(text, () => {
          letGo();
          resolve('nothing');
        });
      });
    };
    const letGo = async (text: string): Promise<void> => {
      held.get(text)?.();
      await settled();
    };
    return { started, dispatch, letGo };
  }

  it('may take an eighth of what there is for all, and no further Produce starts beyond that', async () => {
    const { started, dispatch, letGo } = keeping();
    const { socket } = connect(dispatch, { maxInFlightRequests: 100 }, { kept: new KeptMemory(80) });
    // Three bytes each, of ten.
    for (const text of ['a', 'b', 'c', 'd', 'e']) socket.arrive(frame(PRODUCE, text));
    expect(started).toEqual(['a', 'b', 'c']);
    expect(socket.paused).toBe(true);
    await letGo('b');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    await letGo('a');
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
    for (const text of ['c', 'd', 'e']) await letGo(text);
    expect(socket.paused).toBe(false);
  });

  it('may be larger than that when there is only one', async () => {
    const { started, dispatch, letGo } = keeping();
    const { socket } = connect(dispatch, { maxInFlightRequests: 100 }, { kept: new KeptMemory(80) });
    socket.arrive(frame(PRODUCE, 'much larger than ten'));
    socket.arrive(frame(PRODUCE, 'b'));
    expect(started).toEqual(['much larger than ten']);
    await letGo('much larger than ten');
    expect(started).toEqual(['much larger than ten', 'b']);
  });

  it('hold back the Produce requests of all connections when there is no more, and no others', async () => {
    const { started, dispatch, letGo } = keeping();
    const kept = new KeptMemory(5);
    const first = connect(dispatch, {}, { kept });
    const second = connect(dispatch, {}, { kept });
    const third = connect(dispatch, {}, { kept });
    first.socket.arrive(frame(PRODUCE, 'four'));
    second.socket.arrive(frame(PRODUCE, 'b'));
    third.socket.arrive(frame(FETCH, 'c'));
    expect(started).toEqual(['four', 'c']);
    await letGo('four');
    expect(started).toEqual(['four', 'c', 'b']);
  });
});
