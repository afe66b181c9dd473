/**
 * A CoordinatorSource straight on a tree in this process, for unit tests and the simulator. Nothing
 * is synchronous for its user: every answer travels through the given clock. Faults are calls.
 */
import {
  type Coordinator,
  CoordinatorError,
  type CoordinatorSource,
  openingCalledOff,
} from '../coordinator.ts';
import { Lane, type Timers } from './link.ts';
import { LocalCoordinator, type LocalCoordinatorOptions } from './local-coordinator.ts';
import type { LocalTree } from './local-tree.ts';

export interface LocalSourceOptions {
  readonly tree: LocalTree;
  readonly clock: Timers;
  /** Needed for `jitterMs`. */
  readonly random?: { fraction(): number };
  /** Kafka's zookeeper.session.timeout.ms. */
  readonly sessionTimeoutMs?: number;
  /** One way between coordinator and tree; a function is asked each time. */
  readonly delayMs?: number | (() => number);
  /** Up to this much is added to each delay, by chance. */
  readonly jitterMs?: number;
  /** How long a link stays down that a dropped answer or request has broken. */
  readonly reconnectMs?: number;
}

/** The source and what can be done to its sessions. Unknown session ids are ignored. */
export interface LocalSource extends CoordinatorSource {
  /** Cuts the session's link; after the session timeout the tree lets it expire. */
  suspend(sessionId: bigint): void;
  /** Mends the link: the coordinator is connected again, or learns that its session is lost. */
  resume(sessionId: bigint): void;
  /** The tree ends the session at once. */
  expire(sessionId: bigint): void;
  /** The session's next commit is applied, but its outcome stays unknown and the link breaks for a moment. */
  dropNextAnswer(sessionId: bigint): void;
  /** The session's next commit is not applied, and its outcome is unknown all the same. */
  dropNextRequest(sessionId: bigint): void;
  /** Cuts off the whole source: all its sessions, and no new one can be opened. */
  partition(): void;
  /** Undoes `partition` and every `suspend`. */
  heal(): void;
  /** The process is dead: nothing reaches it any more, and its sessions live on until somebody ends them. */
  abandon(): void;
}

const DEFAULT_SESSION_TIMEOUT_MS = 18_000;
const DEFAULT_RECONNECT_MS = 10;

/** Without `random` every delay is `delayMs`. */
export function localSource(options: LocalSourceOptions): LocalSource {
  const { tree, clock, random, delayMs = 0, jitterMs = 0 } = options;
  const drawDelayMs = (): number =>
    (typeof delayMs === 'number' ? delayMs : delayMs()) +
    (random && jitterMs > 0 ? random.fraction() * jitterMs : 0);
  const counts = { reads: 0, writes: 0, watchFires: 0 };
  const sessions = new Map<bigint, LocalCoordinator>();
  const waiting = new Set<() => void>();
  let reachable = true;
  const coordinatorOptions: LocalCoordinatorOptions = {
    tree,
    clock,
    counts,
    delayMs: drawDelayMs,
    reachable: () => reachable,
    sessionTimeoutMs: options.sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS,
    reconnectMs: options.reconnectMs ?? DEFAULT_RECONNECT_MS,
  };

  const begin = (opened: (coordinator: Coordinator) => void): void => {
    new Lane(clock, drawDelayMs).send(() => {
      if (!reachable) {
        waiting.add(() => begin(opened));
        return;
      }
      const coordinator = new LocalCoordinator(coordinatorOptions);
      sessions.set(coordinator.sessionId, coordinator);
      coordinator.onSession((state) => {
        if (state === 'lost' || state === 'closed') sessions.delete(coordinator.sessionId);
      });
      new Lane(clock, drawDelayMs).send(() => opened(coordinator));
    });
  };

  return {
    counts,
    open: (timeoutMs, calledOff) => openWithin(timeoutMs, calledOff, clock, begin),
    suspend: (sessionId) => sessions.get(sessionId)?.suspend(),
    resume: (sessionId) => sessions.get(sessionId)?.resume(),
    expire: (sessionId) => sessions.get(sessionId)?.expire(),
    dropNextAnswer: (sessionId) => sessions.get(sessionId)?.dropNext('answer'),
    dropNextRequest: (sessionId) => sessions.get(sessionId)?.dropNext('request'),
    partition() {
      reachable = false;
      for (const coordinator of [...sessions.values()]) coordinator.suspend();
    },
    abandon() {
      reachable = false;
      for (const coordinator of [...sessions.values()]) coordinator.abandon();
    },
    heal() {
      reachable = true;
      for (const coordinator of [...sessions.values()]) coordinator.resume();
      const starters = [...waiting];
      waiting.clear();
      for (const start of starters) start();
    },
  };
}

/** A session that is opened too late is closed again: nobody holds it. */
function openWithin(
  timeoutMs: number,
  calledOff: AbortSignal | undefined,
  clock: Timers,
  begin: (opened: (coordinator: Coordinator) => void) => void,
): Promise<Coordinator> {
  return new Promise((resolve, reject) => {
    let over = false;
    const end = (): void => {
      over = true;
      timer.cancel();
      calledOff?.removeEventListener('abort', giveUp);
    };
    const fail = (error: CoordinatorError): void => {
      end();
      reject(error);
    };
    const giveUp = (): void => fail(openingCalledOff());
    const timer = clock.after(timeoutMs, () =>
      fail(new CoordinatorError('unavailable', `no session within ${timeoutMs} ms`)),
    );
    if (calledOff?.aborted) {
      giveUp();
      return;
    }
    calledOff?.addEventListener('abort', giveUp);
    begin((coordinator) => {
      if (over) {
        void coordinator.close();
        return;
      }
      end();
      resolve(coordinator);
    });
  });
}
