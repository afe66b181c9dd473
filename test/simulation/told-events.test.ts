/** The checker of journals can fail: it is shown events that are not what the tree has, and the other way round. */
import { describe, expect, it } from 'vitest';
import type { ClusterEvent, EventOf } from '../../broker/platform/cluster-events.ts';
import type { StateView, TreeView } from './observation.ts';
import { ToldEvents } from './told-events.ts';

function tree(changes: Partial<StateView> = {}): TreeView {
  const state: StateView = {
    key: 'AAAAAAAAAAAAAAAAAAAAAQ:0',
    name: 'orders-0',
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    controllerEpoch: 1,
    isr: [1, 2, 3],
    replicas: [1, 2, 3],
    reassigning: false,
    ...changes,
  };
  return { states: [state], controllerEpoch: 1, controllerId: 1 };
}

const of = { topic: 'orders', partition: 0, controllerEpoch: 1 } as const;
const MADE: EventOf<'leader-moved'> = {
  ...of,
  kind: 'leader-moved',
  from: -1,
  to: 1,
  isr: [1, 2, 3],
  leaderEpoch: 0,
  partitionEpoch: 0,
  reason: 'new-partition',
  unclean: false,
};
const SHRUNK: EventOf<'isr-shrunk'> = {
  ...of,
  kind: 'isr-shrunk',
  from: [1, 2, 3],
  to: [1, 2],
  leaderEpoch: 0,
  partitionEpoch: 1,
  reason: 'lagging',
};

class World {
  readonly broken: string[] = [];
  readonly checker = new ToldEvents((what) => this.broken.push(what));
  #id = 0;

  tree(changes?: Partial<StateView>): this {
    this.checker.treeChanged(tree(changes));
    return this;
  }

  tell(event: ClusterEvent, at: { id?: number; causeId?: number; brokerId?: number } = {}): this {
    const { id = this.#id + 1, causeId = null, brokerId = 1 } = at;
    this.#id = id;
    const recorded = { id, causeId, brokerId, brokerEpoch: 7, wallMs: 0, event };
    this.checker.recorded({ brokerId: 1, life: 1 }, recorded);
    return this;
  }

  check(): this {
    this.checker.check();
    return this;
  }
}

describe('events of what was written', () => {
  it('are fine when the tree has it, seen before or after them', () => {
    const world = new World().tree().tell(MADE).check();
    world
      .tell(SHRUNK)
      .tree({ isr: [2, 1], partitionEpoch: 1 })
      .check();
    expect([world.broken, world.checker.untold(tree())]).toEqual([[], []]);
  });

  it('of a leader, an ISR or an epoch that the tree never had are found', () => {
    const world = new World().tree();
    world.tell({ ...MADE, to: 2 }).tell({ ...MADE, leaderEpoch: 1 });
    world.tell({ ...SHRUNK, partitionEpoch: 0 }).check();
    expect(world.broken).toEqual([
      'leader-moved tells what was never stored: orders-0: leader 2 at 0/0 by controller 1',
      'leader-moved tells what was never stored: orders-0: leader 1 at 1/0 by controller 1',
      'isr-shrunk tells what was never stored: orders-0: ISR 1,2 at 0/0 by controller 1',
    ]);
  });

  it('that do not come, although their controller is in office, are found', () => {
    const world = new World()
      .tree()
      .tree({ leader: 2, isr: [2, 3], leaderEpoch: 1, partitionEpoch: 1 })
      .check();
    expect(world.checker.untold(tree())).toEqual([
      'no event tells of leader 1 of orders-0, epoch 0',
      'no event tells of leader 2 of orders-0, epoch 1',
      'no event tells of ISR 2,3 of orders-0, epoch 1',
    ]);
    expect(world.checker.untold({ ...tree(), controllerEpoch: 2 })).toEqual([]);
  });
});

describe('ids', () => {
  it('that leave one out, come twice, or are caused by what comes later are found', () => {
    const started = { kind: 'broker-started' } as const;
    const world = new World().tell(started).tell(started, { id: 3 }).tell(started, { id: 3 });
    world.tell(started, { id: 4, causeId: 4 }).tell(started, { id: 5, brokerId: 2 });
    expect(world.broken).toEqual([
      'journal of 1.1: broker-started is 3, after 1',
      'journal of 1.1: broker-started is 3, after 3',
      'journal of 1.1: broker-started (4) is caused by 4',
      'journal of 1.1: broker-started is by 2',
    ]);
  });
});
