/** Channels without a network. A message is overwritten as soon as its receiver returns. */
import type { Channel } from '../../broker/platform/channels.ts';
import type { Clock } from '../../broker/platform/clock.ts';
import { INSTANT, WireEnd } from './simulated-wire.ts';

const STALE_BYTE = 0xdd;

export function inMemoryChannelPair(clock: Clock): [Channel, Channel] {
  const [one, other] = WireEnd.pair(
    clock,
    { host: 'one', port: 1, line: INSTANT },
    { host: 'other', port: 2, line: INSTANT },
  );
  return [inMemoryChannel(one), inMemoryChannel(other)];
}

/** A message larger than `initialMaxMessageBytes` ends the channel of its receiver. */
export function inMemoryChannel(end: WireEnd, initialMaxMessageBytes = Number.POSITIVE_INFINITY): Channel {
  let maxMessageBytes = initialMaxMessageBytes;
  let receive: ((message: Buffer) => void) | null = null;
  let drained: (() => void) | null = null;
  let closed: ((reason: string) => void) | null = null;
  let closedWith: string | null = null;
  const listen = (): void => {
    end.listen({
      receive(message) {
        if (message.length > maxMessageBytes) {
          end.abort('Max payload size exceeded', 'closed with code 1009');
          return;
        }
        if (!end.open) return;
        receive?.(message);
        message.fill(STALE_BYTE);
      },
      drained: () => drained?.(),
      closed(reason) {
        closedWith = reason ?? 'closed';
        closed?.(closedWith);
      },
    });
  };
  // Messages wait for their receiver.
  end.pause();
  listen();
  return {
    remote: `${end.peer.host}:${end.peer.port}`,
    remoteAddress: end.peer.host,
    peerCertificate: null,
    get bufferedBytes() {
      return end.bufferedBytes;
    },
    get open() {
      return end.open;
    },
    send: (parts, sent) => end.send(Buffer.concat(parts), sent),
    allowMessages(next) {
      maxMessageBytes = next;
    },
    onMessage(receiver) {
      receive = receiver;
      end.resume();
    },
    onDrain(listener) {
      drained = listener;
    },
    onClose(listener) {
      closed = listener;
      if (closedWith !== null) listener(closedWith);
    },
    close(reason) {
      if (!end.open) return;
      end.resume();
      end.finish(reason);
    },
    destroy() {
      this.close('the connection was reset');
    },
  };
}
