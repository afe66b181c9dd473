/** A log directory that has failed: the controller is told, or, with the last one, the broker ends. */
import { describe, expect, it } from 'vitest';
import { reportFailedDirectories } from '../../../broker/node/failed-directories.ts';
import { World } from '../../support/world.ts';

type Logs = Parameters<typeof reportFailedDirectories>[0];

async function setUp() {
  const world = World.flowing();
  const { diagnostics } = world.platform();
  const store = await world.store();
  let fail: Parameters<Logs['onDirectoryFailure']>[0] = () => {};
  let online = true;
  let ended = false;
  const logs = {
    onDirectoryFailure: (listener: typeof fail) => {
      fail = listener;
    },
    directories: () => [{ online: false }, { online }],
  } as unknown as Logs;
  const allFailed = (): void => {
    ended = true;
  };
  reportFailedDirectories(logs, { brokerId: 4, store: () => store, diagnostics, allFailed });
  const notices = () => world.tree.children('/log_dir_event_notification') ?? [];
  const said = (text: string): boolean => world.lines.some((line) => line.includes(text));
  return {
    world,
    store,
    notices,
    said,
    fail: async (isLast = false) => {
      online = !isLast;
      fail('/data', new Error('EIO') as never, 1);
      await world.pass(1);
    },
    hasEnded: () => ended,
  };
}

describe('a log directory that has failed', () => {
  it('is told to the controller as Kafka tells it, once for each', async () => {
    const { world, notices, fail, hasEnded } = await setUp();
    await fail();
    await fail();
    expect(notices()).toEqual(['log_dir_event_0000000000', 'log_dir_event_0000000001']);
    const node = world.tree.read('/log_dir_event_notification/log_dir_event_0000000000');
    expect(JSON.parse(String(node?.data))).toEqual({ version: 1, broker: 4, event: 1 });
    expect(hasEnded()).toBe(false);
  });

  it('ends the broker when it was the last, which tells nobody', async () => {
    const { notices, said, fail, hasEnded } = await setUp();
    await fail(true);
    expect([hasEnded(), notices()]).toEqual([true, []]);
    expect(said('All log directories have failed, the last of them /data')).toBe(true);
  });

  it('is only a warning where the session has ended: the next registration tells as well', async () => {
    const { store, said, fail, hasEnded } = await setUp();
    await store.coordinator.close();
    await fail();
    expect(said('The controller could not be told that /data has failed')).toBe(true);
    expect(hasEnded()).toBe(false);
  });
});
