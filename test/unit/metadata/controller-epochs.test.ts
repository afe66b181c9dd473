/** Whose orders a broker obeys, by what ZooKeeper says; and how often it is asked. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ControllerEpochs } from '../../../broker/metadata/controller-epochs.ts';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';

const HIGHEST_EPOCH = 2 ** 31 - 1;

let world: World;
let source: LocalSource;
let epochs: ControllerEpochs;
let others: Coordinator[];

beforeEach(async () => {
  world = new World();
  const open = () => world.source({ delayMs: 1 });
  source = open();
  const own = await world.store(source);
  epochs = new ControllerEpochs(() => own);
  others = [];
  for (let id = 0; id < 3; id++) others.push(await world.settled(open().open(100), 100));
});

/** The former controller's session ends, and `broker` is elected; its epoch. */
async function elect(broker: number): Promise<number> {
  const coordinator = others.shift();
  if (coordinator === undefined) throw new Error('no session is left');
  const result = await world.settled(
    new ClusterStore(coordinator).electController(broker, world.clock.wallMs()),
    100,
  );
  if (!result.won) throw new Error('not elected');
  inOffice = coordinator;
  return result.epoch;
}
let inOffice: Coordinator;

const knows = (controllerId: number, controllerEpoch: number): Promise<boolean> =>
  world.settled(Promise.resolve(epochs.knows({ controllerId, controllerEpoch })), 100);

describe('orders', () => {
  it('are obeyed of the controller in office, and of nobody else', async () => {
    const epoch = await elect(7);
    expect([await knows(7, epoch), await knows(8, epoch)]).toEqual([true, false]);
  });

  it('under an epoch that there never was are refused, and harm nobody that comes after', async () => {
    const first = await elect(7);
    for (const forged of [HIGHEST_EPOCH, first + 1, Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
      expect(await knows(8, forged)).toBe(false);
    }
    expect(await knows(7, first)).toBe(true);
    await world.settled(inOffice.close(), 100);
    expect(await knows(8, await elect(8))).toBe(true);
  });

  it('of a controller that has lost the office are refused, also before its successor says a word', async () => {
    const first = await elect(7);
    await world.settled(inOffice.close(), 100);
    expect(await knows(7, first)).toBe(false);
    const second = await elect(8);
    expect([await knows(7, first), await knows(8, second), await knows(7, first)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('make ZooKeeper be asked once for each controller, however many come', async () => {
    const epoch = await elect(7);
    const before = source.counts.reads;
    const asked = [1, 2, 3].map(() =>
      Promise.resolve(epochs.knows({ controllerId: 7, controllerEpoch: epoch })),
    );
    expect(await world.settled(Promise.all(asked), 100)).toEqual([true, true, true]);
    expect(epochs.knows({ controllerId: 7, controllerEpoch: epoch })).toBe(true);
    expect(source.counts.reads - before).toBe(2);
  });

  it('that come while an older look is under way get one of their own', async () => {
    const first = await elect(7);
    const early = Promise.resolve(epochs.knows({ controllerId: 7, controllerEpoch: first }));
    await world.settled(inOffice.close(), 100);
    const second = await elect(8);
    const late = Promise.resolve(epochs.knows({ controllerId: 8, controllerEpoch: second }));
    await world.settled(early, 100);
    expect(await world.settled(late, 100)).toBe(true);
  });

  it("of the broker's own controller need no look", () => {
    epochs.trust({ controllerId: 3, controllerEpoch: 9 });
    expect(epochs.knows({ controllerId: 3, controllerEpoch: 9 })).toBe(true);
    epochs.trust({ controllerId: 3, controllerEpoch: 5 });
    expect(epochs.knows({ controllerId: 3, controllerEpoch: 5 })).toBe(false);
  });

  it('wait while ZooKeeper is not reached, and fail when the session ends', async () => {
    const epoch = await elect(7);
    source.partition();
    let answer: unknown = null;
    void Promise.resolve(epochs.knows({ controllerId: 7, controllerEpoch: epoch })).then(
      (known) => {
        answer = known;
      },
      (error: unknown) => {
        answer = String(error);
      },
    );
    await world.pass(5000);
    expect(answer).toBe(null);
    source.heal();
    await world.pass(5000);
    expect(answer).toContain('CoordinatorError');
  });
});
