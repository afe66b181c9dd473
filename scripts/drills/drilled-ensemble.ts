/** Three ZooKeeper servers in a drill's hands: what was done to them can be taken back. */
import { type Ensemble, startEnsemble } from '../../test/support/ensemble.ts';
import type { Network } from '../torment/cluster/network.ts';

export const SERVERS = 3;
const TICK_MS = 500;

interface EnsembleChoice {
  readonly nodes: number;
  /** Another ZooKeeper than Debian's. */
  readonly classpath: string;
  readonly network: Network;
}

/** Three of Debian's on the loopback interface, unless something else is chosen. `signal` as of `startEnsemble`. */
export function startDrilledEnsemble(signal: AbortSignal, choice?: EnsembleChoice): Promise<Ensemble> {
  if (choice === undefined) return startEnsemble({ nodes: SERVERS, tickMs: TICK_MS, signal });
  const { nodes, classpath, network } = choice;
  return startEnsemble({
    nodes,
    classpath,
    signal,
    tickMs: TICK_MS,
    place: (server) => network.zookeeperPlace(server),
  });
}

export class DrilledEnsemble {
  readonly #ensemble: Ensemble | null;
  readonly #paused = new Set<number>();
  readonly #dead = new Set<number>();

  /** Null: the drill has none, and can't hurt it. */
  constructor(ensemble: Ensemble | null) {
    this.#ensemble = ensemble;
  }

  /** 1 where there is no ensemble. */
  async leader(): Promise<number> {
    return (await this.#ensemble?.leader()) ?? 1;
  }

  async kill(server: number): Promise<void> {
    const ensemble = this.#needed();
    this.#dead.add(server);
    await ensemble.kill(server);
  }

  pause(server: number): void {
    const ensemble = this.#needed();
    this.#paused.add(server);
    ensemble.stop(server);
  }

  async start(server: number): Promise<void> {
    if (this.#paused.delete(server)) this.#needed().cont(server);
    if (this.#dead.delete(server)) await this.#needed().start(server);
  }

  async heal(): Promise<void> {
    await Promise.all([...this.#paused, ...this.#dead].map((server) => this.start(server)));
  }

  async close(): Promise<void> {
    await this.#ensemble?.close();
  }

  #needed(): Ensemble {
    if (this.#ensemble === null)
      throw new Error("this drill hurts ZooKeeper: it has to say 'needs: ensemble'");
    return this.#ensemble;
  }
}
