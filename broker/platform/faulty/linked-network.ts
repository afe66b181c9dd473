/** Sockets and channels that live by the rules of links.ts. */
import type { Channel, ChannelNetwork } from '../channels.ts';
import { type Clock, sleep } from '../clock.ts';
import type { ByteSocket, SocketNetwork } from '../sockets.ts';
import { Lane } from './lane.ts';
import type { LinkRule, LinkUser } from './link-rule.ts';
import type { Links } from './links.ts';

/** What a connection that is held up may keep in memory before its other end is told to stop, as TCP's window does. */
const MOST_HELD_BYTES = 1024 * 1024;

interface World {
  readonly links: Links;
  readonly clock: Clock;
}

/** `dialled`: a rule for everything that is dialled, wherever it leads. */
export function linkedSockets(
  sockets: SocketNetwork,
  links: Links,
  clock: Clock,
  dialled: readonly LinkRule[] = [],
): SocketNetwork {
  const world = { links, clock };
  return {
    listen: (options) =>
      sockets.listen({
        ...options,
        accept: (socket) => {
          if (links.clients.isCut) socket.destroy();
          else options.accept(linkedSocket(socket, [links.clients], world));
        },
      }),
    async dial(target) {
      const rules = [links.to(target.host, target.port), ...dialled];
      const socket = await dial(rules, target, clock, () => sockets.dial(target));
      return linkedSocket(socket, rules, world);
    },
  };
}

export function linkedChannels(channels: ChannelNetwork, links: Links, clock: Clock): ChannelNetwork {
  const world = { links, clock };
  return {
    // Who comes in says later which broker it is.
    listen: (options) =>
      channels.listen({
        ...options,
        accept: (channel) => options.accept(linkedChannel(channel, [links.peers], world)),
      }),
    async dial(target) {
      const { host, port, brokerId } = target;
      const known = brokerId === undefined ? [] : [links.broker(brokerId)];
      const rules = [links.peers, links.to(host, port), ...known];
      const channel = await dial(rules, target, clock, () => channels.dial(target));
      return linkedChannel(channel, rules, world);
    },
  };
}

/** What dialling comes to under the rules: refused when cut, no answer at all when silent. */
async function dial<T>(
  rules: readonly LinkRule[],
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
  clock: Clock,
  dialNow: () => Promise<T>,
): Promise<T> {
  const failure = (code: string): Error => Object.assign(new Error(`${code} ${host}:${port}`), { code });
  const lanes = rules.flatMap((rule) => [rule.lane('in'), rule.lane('out')]);
  const isCut = (): boolean => rules.some((rule) => rule.isCut);
  // An answer needs both ways.
  if (lanes.some(({ isSilent }) => isSilent)) {
    await sleep(clock, timeoutMs);
    throw failure('ETIMEDOUT');
  }
  const delayMs = lanes.reduce((sum, lane) => sum + lane.delayMs, 0);
  if (!isCut() && delayMs > 0) await sleep(clock, delayMs);
  if (isCut()) throw failure('ECONNREFUSED');
  return dialNow();
}

interface Lanes {
  readonly in: Lane;
  readonly out: Lane;
  /** One more rule governs it from now on. */
  join(rule: LinkRule): void;
  ended(): void;
}

/** Both lanes of a connection, and its place among those that the rules govern. */
function lanesOf(
  given: readonly LinkRule[],
  { links, clock }: World,
  broken: () => void,
  came: () => void = () => {},
): Lanes {
  const rules = [...given];
  const common = { clock, rules, fraction: () => links.fraction() };
  const lanes = {
    in: new Lane({ ...common, direction: 'in', passed: came }),
    out: new Lane({ ...common, direction: 'out' }),
  };
  const user: LinkUser = {
    changed() {
      lanes.in.changed();
      lanes.out.changed();
    },
    broken() {
      lanes.in.drop();
      broken();
    },
  };
  for (const rule of rules) rule.join(user);
  return {
    ...lanes,
    join(rule) {
      rules.push(rule);
      rule.join(user);
      if (rule.isCut) user.broken();
    },
    ended() {
      for (const rule of rules) rule.leave(user);
      // What nobody can hear any more goes nowhere, but who waits for it to have left is told.
      lanes.out.flush();
    },
  };
}

function linkedSocket(inner: ByteSocket, rules: readonly LinkRule[], world: World): ByteSocket {
  let isPaused = false;
  let isFull = false;
  const lanes = lanesOf(
    rules,
    world,
    () => inner.destroy(),
    () => {
      if (!isFull || lanes.in.queuedBytes > MOST_HELD_BYTES / 2) return;
      isFull = false;
      if (!isPaused) inner.resume();
    },
  );
  return {
    remoteHost: inner.remoteHost,
    remotePort: inner.remotePort,
    localPort: inner.localPort,
    peerCertificate: inner.peerCertificate,
    get bufferedBytes() {
      return inner.bufferedBytes;
    },
    get open() {
      return inner.open;
    },
    write: (parts, flushed) => lanes.out.pass(() => inner.write(parts, flushed), sizeOf(parts)),
    pause() {
      isPaused = true;
      lanes.in.hold(true);
      inner.pause();
    },
    resume() {
      isPaused = false;
      lanes.in.hold(false);
      if (!isFull) inner.resume();
    },
    end: () => lanes.out.pass(() => inner.end()),
    destroy: () => inner.destroy(),
    on: (events) =>
      inner.on({
        data(chunk) {
          const bytes = lanes.in.isOpen ? chunk : Buffer.from(chunk);
          lanes.in.pass(() => events.data(bytes), bytes.length);
          if (isFull || lanes.in.queuedBytes <= MOST_HELD_BYTES) return;
          isFull = true;
          inner.pause();
        },
        readEnd: () => lanes.in.pass(() => events.readEnd?.()),
        drain: () => events.drain?.(),
        close(error) {
          lanes.ended();
          lanes.in.hold(false);
          if (error !== null) lanes.in.drop();
          lanes.in.flush();
          events.close(error);
        },
      }),
  };
}

function linkedChannel(inner: Channel, rules: readonly LinkRule[], world: World): Channel {
  const lanes = lanesOf(rules, world, () => inner.destroy());
  return {
    remote: inner.remote,
    remoteAddress: inner.remoteAddress,
    peerCertificate: inner.peerCertificate,
    get bufferedBytes() {
      return inner.bufferedBytes;
    },
    get open() {
      return inner.open;
    },
    send: (parts, sent) => lanes.out.pass(() => inner.send(parts, sent), sizeOf(parts)),
    allowMessages: (maxMessageBytes) => inner.allowMessages(maxMessageBytes),
    onMessage: (receive) =>
      inner.onMessage((message) => {
        const bytes = lanes.in.isOpen ? message : Buffer.from(message);
        lanes.in.pass(() => receive(bytes), bytes.length);
      }),
    onDrain: (drained) => inner.onDrain(drained),
    onClose: (closed) =>
      inner.onClose((reason) => {
        lanes.ended();
        lanes.in.drop();
        closed(reason);
      }),
    close: (reason) => inner.close(reason),
    destroy: () => inner.destroy(),
    identified: (brokerId) => lanes.join(world.links.broker(brokerId)),
  };
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
