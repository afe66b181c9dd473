/** Sockets and channels that live by the rules of links.ts. */
import type { Channel, ChannelNetwork } from '../channels.ts';
import { type Clock, sleep } from '../clock.ts';
import type { ByteSocket, SocketNetwork } from '../sockets.ts';
import { Lane, type LinkRule, type Links, type LinkUser } from './links.ts';

export function linkedSockets(sockets: SocketNetwork, links: Links, clock: Clock): SocketNetwork {
  return {
    listen: (options) =>
      sockets.listen({
        ...options,
        accept: (socket) => {
          if (links.clients.isCut) socket.destroy();
          else options.accept(linkedSocket(socket, links.clients, clock));
        },
      }),
    async dial(target) {
      const rule = links.to(target.host, target.port);
      const socket = await dialled(rule, target, clock, () => sockets.dial(target));
      return linkedSocket(socket, rule, clock);
    },
  };
}

export function linkedChannels(channels: ChannelNetwork, links: Links, clock: Clock): ChannelNetwork {
  return {
    // Who comes in has dialled: the dialler's rule is that of both ways.
    listen: (options) =>
      channels.listen({
        ...options,
        accept: (channel) => options.accept(linkedChannel(channel, links.incoming, clock)),
      }),
    async dial(target) {
      const rule = links.to(target.host, target.port);
      const channel = await dialled(rule, target, clock, () => channels.dial(target));
      return linkedChannel(channel, rule, clock);
    },
  };
}

/** What dialling comes to under the rule: refused when cut, no answer at all when silent. */
async function dialled<T>(
  rule: LinkRule,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
  clock: Clock,
  dial: () => Promise<T>,
): Promise<T> {
  const failure = (code: string): Error => Object.assign(new Error(`${code} ${host}:${port}`), { code });
  if (rule.isSilent) {
    await sleep(clock, timeoutMs);
    throw failure('ETIMEDOUT');
  }
  if (!rule.isCut && rule.delayMs > 0) await sleep(clock, 2 * rule.delayMs);
  if (rule.isCut) throw failure('ECONNREFUSED');
  return dial();
}

/** Both lanes of a connection, and its place among those that the rule governs. */
function lanesOf(
  rule: LinkRule,
  clock: Clock,
  broken: () => void,
): { in: Lane; out: Lane; ended: () => void } {
  const lanes = { in: new Lane(clock, rule), out: new Lane(clock, rule) };
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
  rule.join(user);
  const ended = (): void => {
    rule.leave(user);
    // What nobody can hear any more goes nowhere, but who waits for it to have left is told.
    lanes.out.flush();
  };
  return { ...lanes, ended };
}

function linkedSocket(inner: ByteSocket, rule: LinkRule, clock: Clock): ByteSocket {
  const lanes = lanesOf(rule, clock, () => inner.destroy());
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
    write: (parts, flushed) => lanes.out.pass(() => inner.write(parts, flushed)),
    pause() {
      lanes.in.hold(true);
      inner.pause();
    },
    resume() {
      lanes.in.hold(false);
      inner.resume();
    },
    end: () => lanes.out.pass(() => inner.end()),
    destroy: () => inner.destroy(),
    on: (events) =>
      inner.on({
        data(chunk) {
          const bytes = lanes.in.isOpen ? chunk : Buffer.from(chunk);
          lanes.in.pass(() => events.data(bytes));
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

function linkedChannel(inner: Channel, rule: LinkRule, clock: Clock): Channel {
  const lanes = lanesOf(rule, clock, () => inner.destroy());
  return {
    remote: inner.remote,
    remoteAddress: inner.remoteAddress,
    get bufferedBytes() {
      return inner.bufferedBytes;
    },
    get open() {
      return inner.open;
    },
    send: (parts, sent) => lanes.out.pass(() => inner.send(parts, sent)),
    allowMessages: (maxMessageBytes) => inner.allowMessages(maxMessageBytes),
    onMessage: (receive) =>
      inner.onMessage((message) => {
        const bytes = lanes.in.isOpen ? message : Buffer.from(message);
        lanes.in.pass(() => receive(bytes));
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
  };
}
