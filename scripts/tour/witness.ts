/**
 * An outside observer of the coordination tree: a ZooKeeper session of its own that notes when
 * `/controller` vanishes and when somebody else holds it.
 */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';

export interface Handover {
  /** performance.now() when the old controller's node was seen gone. */
  readonly goneAtMs: number;
  /** performance.now() when the new one was seen. */
  readonly takenAtMs: number;
  readonly controllerId: number;
}

const SESSION_TIMEOUT_MS = 10_000;

export class Witness {
  readonly #coordinator: Coordinator;

  private constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  static async open(connect: string): Promise<Witness> {
    const source = zookeeperSource({
      connect,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: SESSION_TIMEOUT_MS,
      maxInFlightRequests: 10,
      log: () => {},
    });
    return new Witness(await source.open(SESSION_TIMEOUT_MS));
  }

  /** The id of the controller, null while there is none. */
  async controllerId(): Promise<number | null> {
    const node = await this.#coordinator.read('/controller');
    if (node === null) return null;
    const holder: { brokerid?: number } = JSON.parse(node.data.toString());
    return holder.brokerid ?? null;
  }

  /** Resolves when `from` has lost the controllership and another broker has taken it. */
  handover(from: number, timeoutMs: number): Promise<Handover> {
    return new Promise((resolve, reject) => {
      let goneAtMs: number | null = null;
      const finish = (): void => {
        clearTimeout(timer);
        watch.close();
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`no other controller than ${from} within ${timeoutMs} ms`));
      }, timeoutMs);
      const look = async (): Promise<void> => {
        const controllerId = await this.controllerId();
        const nowMs = performance.now();
        if (controllerId === from) return;
        goneAtMs ??= nowMs;
        if (controllerId === null) return;
        finish();
        resolve({ goneAtMs, takenAtMs: nowMs, controllerId });
      };
      const looked = (): void => void look().catch(reject);
      const watch = this.#coordinator.watch('/controller', 'node', looked);
      looked();
    });
  }

  close(): Promise<void> {
    return this.#coordinator.close();
  }
}
