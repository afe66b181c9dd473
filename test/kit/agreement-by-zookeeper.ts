/**
 * Where the brokers of a test cluster agree when ZooKeeper's clients, or its files, have a part in it: the
 * tree of this process, served and kept by the embedded server, or an ensemble that somebody else runs.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../broker/platform/clock.ts';
import { LinkRule } from '../../broker/platform/faulty/link-rule.ts';
import { linkedSockets } from '../../broker/platform/faulty/linked-network.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { dialThrough } from '../../broker/platform/zookeeper-lines.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { type DialServer, dialTcp } from '../../coordinator-client/zookeeper/line-socket.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import {
  type Agreement,
  inOwnSession,
  inProcess,
  type LifeOptions,
  type LifeSource,
  OWN_SESSION_TIMEOUT_MS,
} from './agreement.ts';
import { entering, enteringCoordinator } from './entering.ts';
import type { KitOptions } from './options.ts';

/** ZooKeeper's unit of time towards its clients over the wire. */
const TICK_MS = 100;
const MAX_SESSION_TIMEOUT_MS = 60_000;
const MAX_IN_FLIGHT_REQUESTS = 10;

/** Kept in the directory that is named, shown to others at a port. */
export async function servedTree({ directory, zookeeperPort }: KitOptions): Promise<Agreement> {
  const dataDir = directory === undefined ? null : join(directory, 'zookeeper');
  if (dataDir !== null) mkdirSync(dataDir, { recursive: true });
  const server = await startEmbeddedServer({
    host: '127.0.0.1',
    port: zookeeperPort ?? 0,
    tickMs: TICK_MS,
    maxSessionTimeoutMs: MAX_SESSION_TIMEOUT_MS,
    ...(dataDir === null ? {} : { dataDir }),
  });
  return inProcess({
    shared: server.shared,
    connect: `127.0.0.1:${server.port}`,
    close: () => server.close(),
  });
}

export function ensemble(connect: string): Agreement {
  const sourceOf = (sessionTimeoutMs: number, dial?: DialServer) =>
    zookeeperSource({
      connect,
      sessionTimeoutMs,
      connectionTimeoutMs: sessionTimeoutMs,
      maxInFlightRequests: MAX_IN_FLIGHT_REQUESTS,
      ...(dial === undefined ? {} : { dial }),
    });
  return {
    connect,
    tree: null,
    life(options) {
      const standstill = new LinkRule();
      const rules = [options.links.zookeeper, standstill];
      // Sessions of an ensemble live in true time, whatever clock the brokers have.
      const sockets = linkedSockets(tcpSockets(), options.links, systemClock, rules);
      const source = sourceOf(options.sessionTimeoutMs, dialThrough(sockets, null));
      return lifeBy(source, standstill, options.enter);
    },
    act: (work) => inOwnSession(sourceOf(OWN_SESSION_TIMEOUT_MS), work),
    close: () => Promise.resolve(),
  };
}

/**
 * A session is kept up by this process, which lives on when a broker dies or stands still: what would not get
 * out of a process then is held back by a rule, and what comes in by the gate of the life.
 */
function lifeBy(
  source: ReturnType<typeof zookeeperSource>,
  standstill: LinkRule,
  enter: LifeOptions['enter'],
): LifeSource {
  let session: Coordinator | null = null;
  let isDead = false;
  /** Settled when no session is being opened. */
  let opened: Promise<unknown> = Promise.resolve();
  /** What the dead were opening is called off. */
  const death = new AbortController();
  /** Takes back what holds its bytes up. */
  let goOn = (): void => {};
  /** Only the dead leave one that is not closed. */
  const isLeft = (): boolean => session !== null && (isDead || session.session !== 'closed');
  return {
    counts: source.counts,
    open(timeoutMs, calledOff) {
      const signals = calledOff === undefined ? [death.signal] : [death.signal, calledOff];
      const opening = source.open(timeoutMs, AbortSignal.any(signals)).then((coordinator) => {
        session = coordinator;
        return enteringCoordinator(coordinator, enter);
      });
      opened = opening.catch(() => {});
      return entering(opening, enter);
    },
    async expireSession() {
      if (isLeft()) await source.expireSession(dialTcp);
    },
    pause() {
      goOn = standstill.place({ isSilent: true });
    },
    resume: () => goOn(),
    abandon() {
      if (isDead) return;
      isDead = true;
      death.abort();
      const [before, rejoin] = [goOn, standstill.place({ isCut: true })];
      goOn = () => {
        before();
        rejoin();
      };
      // Ends what it does in this process; not a byte of it reaches a server.
      void session?.close();
    },
    async end() {
      await opened;
      if (!isLeft()) return;
      // Past all that is cut. An ensemble that can't be reached ends it by itself when its time is over.
      await source.expireSession(dialTcp).catch(() => {});
      // What is left of it here is told so.
      goOn();
      await session?.close();
    },
  };
}
