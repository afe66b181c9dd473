/** What a test cluster stands on: its members, where they agree, and the files they have. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RequestFaults } from '../../broker/network/request-faults.ts';
import { type Clock, systemClock } from '../../broker/platform/clock.ts';
import { EventRing } from '../../broker/platform/event-ring.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { systemRandom } from '../../broker/platform/random.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { webSocketChannels } from '../../broker/platform/web-socket-channels.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { type Agreement, inProcess } from './agreement.ts';
import { configsOf } from './broker-configs.ts';
import { Member, type MemberGround } from './member.ts';
import type { KitOptions } from './options.ts';
import { RequestLog } from './request-log.ts';
import { scratchDisk } from './scratch-disk.ts';
import type { Secured } from './security.ts';
import { VirtualClock } from './virtual-clock.ts';
import { ClusterClosed } from './waits.ts';
import { watchOver } from './watchdog.ts';

export interface Ground {
  readonly members: readonly Member[];
  readonly agreement: Agreement;
  readonly clock: Clock;
  readonly directory: string;
  readonly requestFaults: ReadonlyMap<number, RequestFaults>;
  readonly requestLog: RequestLog;
  readonly events: EventRing;
  /** null without the option `security`. */
  readonly secured: Secured | null;
  /** The kit's own client, which meets no fault. */
  readonly admin: () => AdminClient;
  /** A directory that is to go when the cluster does. */
  readonly removeAtTheEnd: (directory: string) => void;
  readonly close: () => Promise<void>;
}

/** In the records of requests, and for those who look at connections. */
const CLIENT_ID = 'odradek-testkit';
const MOST_EVENTS = 10_000;

/** Nothing is started yet. */
export async function makeGround(options: KitOptions, count: number): Promise<Ground> {
  const place = openPlace(options);
  const clock = options.virtualTime === true ? new VirtualClock() : systemClock;
  const agreement = await openAgreement(options).catch((error: unknown) => {
    place.leave();
    throw error;
  });
  const secured = await secure(options, place.directory, agreement).catch(async (error: unknown) => {
    await agreement.close();
    place.leave();
    throw error;
  });
  const { directory, isTemporary } = place;
  const shared = { ...options, count, agreement, clock, directory, isTemporary, secured };
  const made = makeMembers(shared);
  const { members } = made;
  let admin: AdminClient | null = null;
  let isClosed = false;
  return {
    ...made,
    ...{ agreement, clock, secured, directory: place.directory, removeAtTheEnd: place.removeAtTheEnd },
    admin() {
      // One that is paused takes a request, and never answers.
      const running = (): string => {
        if (isClosed) throw new ClusterClosed();
        const awake = members.filter(({ state }) => state === 'running');
        if (awake.length === 0) throw new Error('no broker is running');
        return bootstrapServers(awake);
      };
      admin ??= new AdminClient(running, CLIENT_ID, {}, secured?.own);
      return admin;
    },
    async close() {
      isClosed = true;
      admin?.close();
      // What is thrown away anyway need not be made durable.
      if (!place.isTemporary) await Promise.all(members.map((member) => member.stop(false)));
      await Promise.all(members.map((member) => member.end()));
      await agreement.close();
      if (clock instanceof VirtualClock) clock.stop();
      await closedForNode();
      place.leave();
    },
  };
}

/** What is closed is still open to Node until the turn after the next. */
export async function closedForNode(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function openAgreement(options: KitOptions): Promise<Agreement> {
  const { zookeeper, directory, zookeeperPort } = options;
  if (zookeeper === undefined && directory === undefined && zookeeperPort === undefined) return inProcess();
  // Loaded by those who ask for it: a cluster whose tree nobody else sees starts sooner without.
  const { ensemble, servedTree } = await import('./agreement-by-zookeeper.ts');
  return zookeeper === undefined ? servedTree(options) : ensemble(zookeeper);
}

/** Loaded by those who ask for it, as well. */
async function secure(
  { security }: KitOptions,
  directory: string,
  agreement: Agreement,
): Promise<Secured | null> {
  if (security === undefined) return null;
  const { makeSecurity, storeSecurity } = await import('./security.ts');
  const secured = await makeSecurity(security, directory);
  await agreement.act((coordinator) => storeSecurity(coordinator, secured));
  return secured;
}

/** Where everything of it is on the disk. */
interface Place {
  readonly directory: string;
  readonly isTemporary: boolean;
  readonly removeAtTheEnd: (directory: string) => void;
  /** Removes what nobody asked to keep. */
  leave(): void;
}

function openPlace(options: KitOptions): Place {
  const isTemporary = options.directory === undefined;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'odradek-kit-'));
  const watchdog = isTemporary ? watchOver(directory) : null;
  const removed = new Set(isTemporary ? [directory] : []);
  return {
    directory,
    isTemporary,
    removeAtTheEnd: (another) => removed.add(another),
    leave() {
      for (const each of removed) rmSync(each, { recursive: true, force: true });
      watchdog?.dismiss();
    },
  };
}

type MemberOptions = KitOptions & {
  readonly count: number;
  readonly agreement: Agreement;
  readonly clock: Clock;
  readonly directory: string;
  readonly isTemporary: boolean;
  readonly secured: Secured | null;
};

function makeMembers(
  options: MemberOptions,
): Pick<Ground, 'members' | 'requestFaults' | 'requestLog' | 'events'> {
  const { count, agreement, clock, isTemporary } = options;
  const [requestLog, events] = [new RequestLog(), new EventRing(MOST_EVENTS, systemClock)];
  const requestFaults = new Map<number, RequestFaults>();
  const members: Member[] = [];
  const network = { sockets: tcpSockets(), channels: webSocketChannels() };
  const secret = randomBytes(32).toString('base64url');
  for (let id = 1; id <= count; id++) {
    const shared: MemberGround = {
      ...{ network, clock, agreement },
      disk: isTemporary ? scratchDisk : nodeDisk,
      interference: () => faults,
      log: (brokerId, line) => options.log?.(brokerId, line),
      recorded: (recorded) => events.add(recorded),
    };
    const configOf = configsOf(id, { ...options, connect: agreement.connect, secret });
    const member = new Member(id, shared, configOf);
    const faults: RequestFaults = new RequestFaults({
      fraction: () => systemRandom.fraction(),
      topicName: (topicId) => member.broker.inside.metadata.image.topicNames.get(topicId),
      witness: requestLog.witness(id),
      sparedClientId: CLIENT_ID,
    });
    requestFaults.set(id, faults);
    members.push(member);
  }
  return { members, requestFaults, requestLog, events };
}

/** Of one listener, or of the first; in the order of the ids. */
export function bootstrapServers(members: readonly Member[], listener?: string): string {
  return members
    .map(({ bound: { ports } }) => {
      const port = listener === undefined ? [...ports.values()][0] : ports.get(listener);
      if (port === undefined)
        throw new Error(`there is no listener ${listener}: they are ${[...ports.keys()].join(', ')}`);
      return `127.0.0.1:${port}`;
    })
    .join(',');
}
