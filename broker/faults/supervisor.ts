/**
 * The process that has started this broker and its ZooKeeper servers, and does to processes what these can't
 * do to themselves: it starts them again. `odradek cluster` is one.
 */

/** By kill -9, by SIGTERM, by SIGSTOP, or by silence between it and everybody. */
export type ServerHurt = 'kill' | 'stop' | 'pause' | 'cut';

export type SupervisorOrder =
  /** This broker: `clean` as by SIGTERM, `hard` as by kill -9. It is started again after so long. */
  | { readonly what: 'restart'; readonly how: 'clean' | 'hard'; readonly downMs: number }
  /** A ZooKeeper server, counted from 1, is hurt until it is mended or the time is over. */
  | {
      readonly what: 'zookeeper';
      readonly how: ServerHurt;
      readonly server: number;
      readonly forMs: number;
    }
  | { readonly what: 'zookeeper-mend'; readonly server: number };

export interface Supervisor {
  /** Resolves when it is done, or sure to be. Rejects with why it can't be. */
  ask(order: SupervisorOrder): Promise<void>;
}
