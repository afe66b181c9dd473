/**
 * Where the brokers of a test cluster agree: a tree in this process, which ZooKeeper's clients may reach as
 * well and which may be kept in a directory, or an ensemble that somebody else runs.
 */
import type { Clock } from '../../broker/platform/clock.ts';
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { type LocalSource, localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree, type SharedDatabase } from '../../coordinator-client/local/local-tree.ts';

export interface Agreement {
  /** zookeeper.connect of the brokers, where somebody listens there; else null. */
  readonly connect: string | null;
  /** The tree, where it is in this process. */
  readonly tree: LocalTree | null;
  /** For one life of a broker. */
  source(life: SourceOptions): CoordinatorSource & Partial<LocalSource>;
  close(): Promise<void>;
}

interface SourceOptions {
  readonly clock: Clock;
  readonly sessionTimeoutMs: number;
  /** How much longer each way takes, at this moment. */
  readonly delayMs: () => number;
}

/** The tree is in this process: its own, or one that is shown to others as well. */
export function inProcess({ shared, connect, close }: Shown = {}): Agreement {
  const tree = new LocalTree(shared);
  return {
    connect: connect ?? null,
    tree,
    source: ({ clock, sessionTimeoutMs, delayMs }) => localSource({ tree, clock, sessionTimeoutMs, delayMs }),
    close: close ?? (() => Promise.resolve()),
  };
}

interface Shown {
  readonly shared?: SharedDatabase;
  readonly connect?: string;
  readonly close?: () => Promise<void>;
}
