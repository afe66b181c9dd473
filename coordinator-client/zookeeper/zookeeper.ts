/**
 * The door to a real ZooKeeper ensemble: opens sessions for a broker. The option names are those of
 * Kafka's zookeeper.* keys.
 */
import { type Coordinator, CoordinatorError, type CoordinatorSource } from '../coordinator.ts';
import { parseConnectString } from './connect-string.ts';
import { type DialServer, dialTcp } from './line-socket.ts';
import { Session } from './session.ts';

interface ZookeeperOptions {
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
}

interface ZookeeperSource extends CoordinatorSource {
  /** Has the ensemble end the newest session, as if it had expired. Rejects without one, and without servers. */
  expireSession(): Promise<void>;
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
    });
    return newest;
  };
  return {
    counts,
    open: (timeoutMs) => openWithin(timeoutMs, newSession),
    async expireSession() {
      if (newest === null) throw new CoordinatorError('unavailable', 'no session has been opened');
      await newest.expire();
    },
  };
}

async function openWithin(timeoutMs: number, newSession: () => Session): Promise<Coordinator> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const session = newSession();
    const timer = setTimeout(() => void session.close(), Math.max(0, deadlineMs - performance.now()));
    try {
      await session.start();
      return session;
    } catch (error) {
      await session.close();
      if (performance.now() < deadlineMs && session.session === 'lost') continue;
      const ranOut = error instanceof CoordinatorError && error.failure === 'closed';
      const reason = error instanceof Error ? error.message : String(error);
      throw new CoordinatorError('unavailable', ranOut ? `no session within ${timeoutMs} ms` : reason);
    } finally {
      clearTimeout(timer);
    }
  }
}
