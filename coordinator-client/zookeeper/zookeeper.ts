/**
 * The door to a real ZooKeeper ensemble: opens sessions for a broker. The option names are those of
 * Kafka's zookeeper.* keys.
 */
import { CoordinatorError, type CoordinatorSource, openingCalledOff } from '../coordinator.ts';
import { OPEN_ACL } from '../tree/acl.ts';
import type { AclOf } from './commits.ts';
import { parseConnectString } from './connect-string.ts';
import { type DialServer, dialTcp } from './line-socket.ts';
import type { ZookeeperCredentials } from './login.ts';
import { Session } from './session.ts';

export interface ZookeeperOptions {
  /** zookeeper.connect: `host:port,[::1]:port/chroot`. */
  readonly connect: string;
  /** zookeeper.session.timeout.ms; the ensemble may negotiate another. */
  readonly sessionTimeoutMs: number;
  /** zookeeper.connection.timeout.ms: bounds one round of attempts over all servers. */
  readonly connectionTimeoutMs: number;
  /** zookeeper.max.in.flight.requests: unanswered at a time; more wait their turn. */
  readonly maxInFlightRequests: number;
  /** The ensemble's jute.maxbuffer, when it is not ZooKeeper's default. */
  readonly juteMaxBufferBytes?: number;
  readonly log?: (message: string) => void;
  /** How servers are dialled: by TCP unless given. */
  readonly dial?: DialServer;
  /** Who we prove to be: nobody unless given. */
  readonly credentials?: ZookeeperCredentials;
  /** What new nodes are created with, by their path below the chroot; anyone may do anything unless given. */
  readonly aclOf?: AclOf;
}

interface ZookeeperSource extends CoordinatorSource {
  /** With what a Coordinator has not: the nodes' access lists. */
  open(timeoutMs: number, calledOff?: AbortSignal): Promise<Session>;
  /**
   * Has the ensemble end the newest session, as if it had expired; dialled as the session is unless given.
   * Rejects without one, and without servers.
   */
  expireSession(dial?: DialServer): Promise<void>;
}

/** ZooKeeper's default of jute.maxbuffer. */
const DEFAULT_JUTE_MAX_BUFFER_BYTES = 0xfffff;
/** Kept free for what the servers put around a request among themselves. */
const REQUEST_MARGIN_BYTES = 1_024;

/** Throws when `connect` can't be read. */
export function zookeeperSource(options: ZookeeperOptions): ZookeeperSource {
  const connect = parseConnectString(options.connect);
  const counts = { reads: 0, writes: 0, watchFires: 0 };
  const maxBufferBytes = options.juteMaxBufferBytes ?? DEFAULT_JUTE_MAX_BUFFER_BYTES;
  let newest: Session | null = null;
  const newSession = (): Session => {
    newest = new Session({
      connect,
      counts,
      sessionTimeoutMs: options.sessionTimeoutMs,
      connectionTimeoutMs: options.connectionTimeoutMs,
      maxInFlightRequests: options.maxInFlightRequests,
      maxRequestBytes: maxBufferBytes - REQUEST_MARGIN_BYTES,
      log: options.log ?? (() => {}),
      dial: options.dial ?? dialTcp,
      credentials: options.credentials ?? null,
      aclOf: options.aclOf ?? (() => OPEN_ACL),
    });
    return newest;
  };
  return {
    counts,
    open: (timeoutMs, calledOff) => openWithin(timeoutMs, calledOff, newSession),
    async expireSession(dial) {
      if (newest === null) throw new CoordinatorError('unavailable', 'no session has been opened');
      await newest.expire(dial);
    },
  };
}

async function openWithin(
  timeoutMs: number,
  calledOff: AbortSignal | undefined,
  newSession: () => Session,
): Promise<Session> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    if (calledOff?.aborted) throw openingCalledOff();
    const session = newSession();
    const giveUp = (): void => void session.close();
    const timer = setTimeout(giveUp, Math.max(0, deadlineMs - performance.now()));
    calledOff?.addEventListener('abort', giveUp);
    try {
      await session.start();
      if (calledOff?.aborted) throw openingCalledOff();
      return session;
    } catch (error) {
      await session.close();
      if (calledOff?.aborted) throw openingCalledOff();
      const mayPass = session.session === 'lost' && session.loginRefused === null;
      if (performance.now() < deadlineMs && mayPass) continue;
      const ranOut = error instanceof CoordinatorError && error.failure === 'closed';
      const reason = error instanceof Error ? error.message : String(error);
      throw new CoordinatorError('unavailable', ranOut ? `no session within ${timeoutMs} ms` : reason);
    } finally {
      clearTimeout(timer);
      calledOff?.removeEventListener('abort', giveUp);
    }
  }
}
