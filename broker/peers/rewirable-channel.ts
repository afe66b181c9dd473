/**
 * A channel whose receiver can change. A channel has exactly one receiver for its life, but a peer
 * channel serves the handshake first and requests or replication afterwards; this wrapper passes the
 * events on to whoever is in charge, and tells a late subscriber of a close that has already happened.
 */
import type { Channel } from '../platform/channels.ts';

/** Wraps a channel that nobody listens to yet; `whenClosed` is told of its end before anybody else. */
export function rewirableChannel(channel: Channel, whenClosed: (reason: string) => void = () => {}): Channel {
  let receive: (message: Buffer) => void = () => {};
  let drained: () => void = () => {};
  let closed: (reason: string) => void = () => {};
  let closeReason: string | null = null;
  channel.onMessage((message) => receive(message));
  channel.onDrain(() => drained());
  channel.onClose((reason) => {
    closeReason = reason;
    whenClosed(reason);
    closed(reason);
  });
  return {
    remote: channel.remote,
    remoteAddress: channel.remoteAddress,
    peerCertificate: channel.peerCertificate,
    get bufferedBytes() {
      return channel.bufferedBytes;
    },
    get open() {
      return channel.open;
    },
    send: (parts, sent) => channel.send(parts, sent),
    allowMessages: (maxMessageBytes) => channel.allowMessages(maxMessageBytes),
    onMessage(next) {
      receive = next;
    },
    onDrain(next) {
      drained = next;
    },
    onClose(next) {
      closed = next;
      const reason = closeReason;
      if (reason !== null) queueMicrotask(() => next(reason));
    },
    close: (reason) => channel.close(reason),
    destroy: () => channel.destroy(),
    identified: (brokerId) => channel.identified?.(brokerId),
  };
}
