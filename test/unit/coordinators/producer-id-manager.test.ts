/** Producer ids: blocks from the controller, prefetched, never given twice. */
import { describe, expect, it } from 'vitest';
import { ProducerIdManager } from '../../../broker/coordinators/producer-id-manager.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import type { AllocateProducerIdsResponse } from '../../../broker/peers/messages.ts';
import type { Clock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';

type Answer = (response: AllocateProducerIdsResponse | Error) => Promise<void>;

/** A controller that answers when the test says, and timers that fire when it says. */
function setUp() {
  const asked: Answer[] = [];
  const timers: { delayMs: number; run: () => void; cancelled: boolean }[] = [];
  const clock: Clock = {
    wallMs: () => 0,
    nowMs: () => 0,
    soon: () => {},
    after(delayMs, run) {
      const timer = { delayMs, run, cancelled: false };
      timers.push(timer);
      return {
        cancel: () => {
          timer.cancelled = true;
        },
      };
    },
  };
  const manager = new ProducerIdManager({
    allocate: () =>
      new Promise((resolve, reject) => {
        asked.push(async (response) => {
          if (response instanceof Error) reject(response);
          else resolve(response);
          await settled();
        });
      }),
    clock,
    diagnostics: silent,
    maxWaitMs: 5000,
  });
  const fire = async (delayMs: number): Promise<void> => {
    for (const timer of timers.filter((one) => one.delayMs === delayMs && !one.cancelled)) {
      timer.cancelled = true;
      timer.run();
    }
    await settled();
  };
  return { manager, asked, fire };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
}

function block(producerIdStart: number, producerIdLength: number): AllocateProducerIdsResponse {
  return { error: ErrorCode.NONE, producerIdStart, producerIdLength };
}

describe('producer ids', () => {
  it('are given from the block, and the next block is asked for before it is used up', async () => {
    const { manager, asked } = setUp();
    const first = manager.generate();
    expect(asked).toHaveLength(1);
    await asked[0]?.(block(1000, 10));
    expect(await first).toBe(1000);
    for (let id = 1001; id < 1008; id += 1) expect(await manager.generate()).toBe(id);
    expect(asked).toHaveLength(1);
    expect(await manager.generate()).toBe(1008);
    expect(asked).toHaveLength(2);
    await asked[1]?.(block(5000, 10));
    expect(await manager.generate()).toBe(1009);
    expect(await manager.generate()).toBe(5000);
  });

  it('many that wait for one block share it in order, and the rest wait for the next', async () => {
    const { manager, asked } = setUp();
    const ids = Promise.all([manager.generate(), manager.generate(), manager.generate()]);
    expect(asked).toHaveLength(1);
    await asked[0]?.(block(0, 2));
    await asked[1]?.(block(2, 2));
    expect(await ids).toEqual([0, 1, 2]);
  });

  it('when the controller fails it is asked again, as long as somebody waits', async () => {
    const { manager, asked, fire } = setUp();
    const id = manager.generate();
    await asked[0]?.(new Error('unreachable'));
    await fire(50);
    await asked[1]?.({ error: ErrorCode.NOT_CONTROLLER, producerIdStart: 0, producerIdLength: 0 });
    await fire(50);
    await asked[2]?.(block(70, 10));
    expect(await id).toBe(70);
  });

  it('nobody waits longer than agreed, and then nothing more is asked', async () => {
    const { manager, asked, fire } = setUp();
    const id = manager.generate();
    await fire(5000);
    expect(await id).toBeNull();
    await asked[0]?.(new Error('unreachable'));
    await fire(50);
    expect(asked).toHaveLength(1);
  });

  it('shutting down ends the waiting', async () => {
    const { manager } = setUp();
    const id = manager.generate();
    manager.shutdown();
    expect(await id).toBeNull();
    expect(await manager.generate()).toBeNull();
  });
});
