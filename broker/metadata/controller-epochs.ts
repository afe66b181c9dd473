/**
 * Whose orders are obeyed: those of the broker that holds /controller, under the epoch in
 * /controller_epoch. An epoch that is not known yet is looked up before anything is done in its name;
 * otherwise one forged order with the highest epoch there is would turn every later controller away.
 * The look costs three reads once for each controller that comes into office. An order that comes when
 * its sender has lost the office is refused: the next controller tells everybody everything again.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { BrokerId } from '../types.ts';

interface Order {
  readonly controllerId: BrokerId;
  readonly controllerEpoch: number;
}

/** Who was in office when somebody looked. */
interface Office {
  readonly epoch: number;
  /** null: nobody at that time. */
  readonly controllerId: BrokerId | null;
}

export class ControllerEpochs {
  readonly #store: () => ClusterStore;
  /** The latest office that was seen; its epoch never falls. */
  #latest: Office = { epoch: 0, controllerId: null };
  /** The look at ZooKeeper that is under way; whoever comes meanwhile shares it. */
  #looking: Promise<void> | null = null;

  constructor(store: () => ClusterStore) {
    this.#store = store;
  }

  /** What is known of who is in office, for the log. */
  get latest(): Office {
    return this.#latest;
  }

  /** This broker's own controller, which was told by ZooKeeper itself. */
  trust({ controllerId, controllerEpoch }: Order): void {
    if (controllerEpoch >= this.#latest.epoch) this.#latest = { epoch: controllerEpoch, controllerId };
  }

  /**
   * Whether ZooKeeper knows the sender of an order as the controller of that epoch. Rejects with a
   * CoordinatorError when it can't be asked. After the answer the fence has to be asked: while this one
   * waited, a later controller may have been obeyed.
   */
  knows(order: Order): boolean | Promise<boolean> {
    if (!Number.isSafeInteger(order.controllerEpoch)) return false;
    return this.#isSettled(order) ? this.#holds(order) : this.#lookedUp(order);
  }

  async #lookedUp(order: Order): Promise<boolean> {
    // A look that began before the order came may be older than its epoch, so another may be needed.
    if (this.#looking !== null) await this.#looking;
    if (!this.#isSettled(order)) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
      await this.#looking;
    }
    return this.#holds(order);
  }

  #isSettled({ controllerEpoch }: Order): boolean {
    const { epoch, controllerId } = this.#latest;
    return controllerEpoch < epoch || (controllerEpoch === epoch && controllerId !== null);
  }

  #holds({ controllerId, controllerEpoch }: Order): boolean {
    return controllerEpoch === this.#latest.epoch && controllerId === this.#latest.controllerId;
  }

  async #look(): Promise<void> {
    const store = this.#store();
    // The server that is asked may lag behind the one the controller was elected at.
    await store.coordinator.sync();
    // The epoch first: if somebody is elected in between, the holder does not fit it and both are read again.
    const epoch = (await store.controllerEpoch())?.epoch ?? 0;
    const holder = await store.controller();
    if (epoch >= this.#latest.epoch) this.#latest = { epoch, controllerId: holder?.brokerId ?? null };
  }
}
