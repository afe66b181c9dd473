/**
 * ZooKeeper servers of a local cluster in somebody's hands: killed, ended in order, stopped or cut off for a time,
 * which ends by itself whoever asked for it. One thing at a time is done to each.
 */
import type { ServerHurt } from '../../broker/faults/supervisor.ts';
import { continueAfter } from '../../broker/platform/own-process.ts';

/** One of them, as whatever runs it lets it be hurt. */
export interface ServerProcess {
  readonly pid: number;
  kill(): Promise<void>;
  /** In order; what stands still does not hear of it. */
  stop(): Promise<void>;
  /** After `kill` or `stop`; resolves when it serves. */
  start(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Nothing gets to it or comes from it from `cut` to `mend`; null: there is no way to do that. */
  readonly links: { cut(): void; mend(): void } | null;
}

interface HurtServer {
  readonly how: ServerHurt;
  readonly timer: NodeJS.Timeout;
}

/** Why a server can't be cut off. */
const LACKS_CUT =
  'the embedded ZooKeeper is one server with nobody beside it: cut each broker off by link-cut {"to":"zookeeper"}, or start the cluster with --zookeeper-servers 3';

export class ZookeeperServers {
  readonly #servers: readonly ServerProcess[];
  readonly #failed: (server: number, error: unknown) => void;
  /** By their number, from 1. */
  readonly #hurt = new Map<number, HurtServer>();

  /** `failed`: one could not be started again. */
  constructor(servers: readonly ServerProcess[], failed: (server: number, error: unknown) => void) {
    this.#servers = servers;
    this.#failed = failed;
  }

  /** Rejects, in words, when there is no such server, something is done to it already, or it can't be done. */
  async strike(how: ServerHurt, server: number, forMs: number): Promise<void> {
    const process = this.#servers[server - 1];
    if (process === undefined)
      throw new Error(
        this.#servers.length === 0
          ? 'ZooKeeper is not one of this cluster\u2019s processes'
          : `there is no ZooKeeper server ${server}: they are 1 to ${this.#servers.length}`,
      );
    if (this.#hurt.has(server)) throw new Error(`ZooKeeper server ${server} is hurt already`);
    if (how === 'cut' && process.links === null) throw new Error(LACKS_CUT);
    const timer = setTimeout(() => this.mend(server), forMs);
    this.#hurt.set(server, { how, timer });
    if (how === 'kill') return process.kill();
    if (how === 'stop') return process.stop();
    if (how === 'cut') return process.links?.cut();
    // It goes on also when this process is killed meanwhile.
    await continueAfter(process.pid, forMs);
    process.pause();
  }

  /** Nothing when nothing is done to it. */
  mend(server: number): void {
    const hurt = this.#hurt.get(server);
    const process = this.#servers[server - 1];
    if (hurt === undefined || process === undefined) return;
    clearTimeout(hurt.timer);
    this.#hurt.delete(server);
    if (hurt.how === 'pause') process.resume();
    else if (hurt.how === 'cut') process.links?.mend();
    else process.start().catch((error: unknown) => this.#failed(server, error));
  }

  /** All run again, or may be ended: a stopped process would not hear that it is to end. */
  release(): void {
    for (const [server, { how, timer }] of this.#hurt) {
      clearTimeout(timer);
      if (how === 'pause') this.#servers[server - 1]?.resume();
      if (how === 'cut') this.#servers[server - 1]?.links?.mend();
    }
    this.#hurt.clear();
  }
}
