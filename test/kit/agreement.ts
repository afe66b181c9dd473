/**
 * Where the brokers of a test cluster agree: a tree in this process, which ZooKeeper's clients may reach as
 * well and which may be kept in a directory, or an ensemble that somebody else runs.
 */
import { type Clock, systemClock, type Timer } from '../../broker/platform/clock.ts';
import type { Links } from '../../broker/platform/faulty/links.ts';
import type { Coordinator, CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree, type SharedDatabase } from '../../coordinator-client/local/local-tree.ts';

export interface Agreement {
  /** zookeeper.connect of the brokers, where somebody listens there; else null. */
  readonly connect: string | null;
  /** The tree, where it is in this process. */
  readonly tree: LocalTree | null;
  /** For one life of a broker. */
  life(options: LifeOptions): LifeSource;
  /** What the kit itself does there, in a session of its own. */
  act<T>(work: (coordinator: Coordinator) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface LifeOptions {
  /** Of the life: it stands still when the life does. */
  readonly clock: Clock;
  /** Of the cluster. */
  readonly worldClock: Clock;
  readonly sessionTimeoutMs: number;
  /** What is done to its ways. */
  readonly links: Links;
  /** Runs what reaches the life: now, once it goes on, or never. */
  readonly enter: (run: () => void) => void;
}

/** Opens the sessions of one life of a broker, and does to them what happens to a process. */
export interface LifeSource extends CoordinatorSource {
  /** ZooKeeper ends the session now, whatever is cut. Resolves when it has; nothing without a session. */
  expireSession(): Promise<void>;
  /** The process stands still: nothing is heard of it, and its session ends in time. */
  pause(): void;
  resume(): void;
  /** The process is gone; its session goes on until its time is over. */
  abandon(): void;
  /** Every session is over, at ZooKeeper too. */
  end(): Promise<void>;
}

/** For sessions of the kit's own. */
export const OWN_SESSION_TIMEOUT_MS = 6000;
const OWN_OPEN_TIMEOUT_MS = 5000;

/** The tree is in this process: its own, or one that is shown to others as well. */
export function inProcess({ shared, connect, close }: Shown = {}): Agreement {
  const tree = new LocalTree(shared);
  const own = localSource({ tree, clock: systemClock, sessionTimeoutMs: OWN_SESSION_TIMEOUT_MS });
  return {
    connect: connect ?? null,
    tree,
    life: (options) => lifeOn(tree, options),
    act: (work) => inOwnSession(own, work),
    close: close ?? (() => Promise.resolve()),
  };
}

interface Shown {
  readonly shared?: SharedDatabase;
  readonly connect?: string;
  readonly close?: () => Promise<void>;
}

export async function inOwnSession<T>(
  source: CoordinatorSource,
  work: (coordinator: Coordinator) => Promise<T>,
): Promise<T> {
  const coordinator = await source.open(OWN_OPEN_TIMEOUT_MS);
  try {
    return await work(coordinator);
  } finally {
    await coordinator.close();
  }
}

function lifeOn(
  tree: LocalTree,
  { clock, worldClock, sessionTimeoutMs, links: { zookeeper } }: LifeOptions,
): LifeSource {
  const delayMs = (): number => zookeeper.lane('out').delayMs;
  const source = localSource({ tree, clock, sessionTimeoutMs, delayMs });
  // A way that is cut and one that is silent are the same here: nothing is heard, until the session is over.
  let isCut = false;
  const way = {
    broken: () => {},
    changed() {
      const isCutNow = zookeeper.isCut || zookeeper.lane('out').isSilent;
      if (isCutNow === isCut) return;
      isCut = isCutNow;
      if (isCut) source.partition();
      else source.heal();
    },
  };
  zookeeper.join(way);
  way.changed();
  let session: Coordinator | null = null;
  let isDead = false;
  let expiry: Timer | null = null;
  const endNow = (): void => {
    expiry?.cancel();
    if (session === null || !tree.hasSession(session.sessionId)) return;
    // Nobody is told who is dead.
    if (isDead) tree.closeSession(session.sessionId, worldClock.wallMs());
    else source.expire(session.sessionId);
  };
  const endInTime = (): void => {
    expiry?.cancel();
    expiry = worldClock.after(sessionTimeoutMs, endNow);
  };
  return {
    counts: source.counts,
    async open(timeoutMs, calledOff) {
      session = await source.open(timeoutMs, calledOff);
      return session;
    },
    expireSession: async () => endNow(),
    pause: endInTime,
    resume: () => expiry?.cancel(),
    abandon() {
      if (isDead) return;
      isDead = true;
      zookeeper.leave(way);
      source.abandon();
      endInTime();
    },
    end: async () => endNow(),
  };
}
