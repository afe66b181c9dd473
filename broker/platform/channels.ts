/**
 * Channels: ordered, reliable, message-oriented connections between brokers. The real ones are
 * WebSockets (web-socket-channels.ts); the simulator's lose links, delay and reorder nothing within
 * one channel. What flows through them is the peers floor's business.
 */
import type { BrokerId } from '../types.ts';
import type { TlsClientEnd, TlsListening } from './tls.ts';

export interface Channel {
  /** Where the other end is, for diagnostics: `host:port`. */
  readonly remote: string;
  /** The address in it, without the port: whom limits for each address count. */
  readonly remoteAddress: string;
  /** What the other end has shown, if it was asked and has proved to be its owner. */
  readonly peerCertificate: Buffer | null;
  /** Bytes handed to send() that have not reached the operating system; for back-pressure. */
  readonly bufferedBytes: number;
  readonly open: boolean;
  /**
   * Sends one message made of the given parts laid end to end. Never throws; on a closed channel it
   * does nothing. Parts may be reused by the caller when `sent` was called (or at once when it is
   * omitted and the parts are not going to change).
   */
  send(parts: readonly Uint8Array[], sent?: () => void): void;
  /** Exactly one receiver. The buffer is the receiver's for the duration of the call only. */
  onMessage(receive: (message: Buffer) => void): void;
  /**
   * Lets messages of up to so many bytes come from now on, instead of what `listen` and `dial` were told.
   * Also right for a message that follows the one being received.
   */
  allowMessages(maxMessageBytes: number): void;
  /** Called when everything buffered has gone out. */
  onDrain(drained: () => void): void;
  /** Called once, also after an own close(). */
  onClose(closed: (reason: string) => void): void;
  close(reason: string): void;
  /** Closes at once, without waiting for the other end to agree: as when a process dies. */
  destroy(): void;
  /** Only a faulty platform wants to know: the other end has proved that it is this broker. */
  identified?(brokerId: BrokerId): void;
}

/** What somebody asks of the endpoint over plain HTTP. */
export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: HttpHeaders;
  /** Of whoever asks, as the connection has it. */
  readonly remoteAddress: string;
  /** All of the body. Rejects with `BodyTooLarge` when it is longer, and when the asker goes in the middle. */
  body(maxBytes: number): Promise<Buffer>;
}

export class BodyTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`a body has at most ${maxBytes} bytes`);
  }
}

/** By their names in lower case. */
export type HttpHeaders = Readonly<Record<string, string | undefined>>;

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | HttpStream;
  /** Where to ask instead. */
  readonly location?: string;
  /** The answer has left, or its connection is gone. */
  readonly sent?: () => void;
}

/** A body that is made at the pace of its reader. */
export interface HttpStream {
  /** The next piece, null at the end. Asked for when the reader has taken the piece before it, not earlier. */
  next(): Promise<string | null>;
  /** Nothing is wanted any more: all was read, or the reader is gone. A `next` under way gives null then. */
  close(): void;
}

export interface ChannelListener {
  readonly port: number;
  close(): Promise<void>;
}

export interface ChannelNetwork {
  /**
   * Binds an HTTP server. A WebSocket upgrade on `/peer` becomes a channel, unless a web page asks for it
   * (its browser sends an Origin); other requests are answered by `http` (broker/http/). A message
   * larger than `maxMessageBytes` ends its channel. With `tls` only who speaks TLS becomes a channel; pages
   * are for others too, on the same port. Rejects with Node's listen error (EADDRINUSE, …).
   */
  listen(options: {
    host: string;
    port: number;
    maxMessageBytes: number;
    accept: (channel: Channel) => void;
    tls?: TlsListening;
    http: (request: HttpRequest) => Promise<HttpAnswer>;
  }): Promise<ChannelListener>;
  /** Rejects when the connection can't be made within `timeoutMs`. `brokerId`: who is expected there. */
  dial(options: {
    host: string;
    port: number;
    timeoutMs: number;
    maxMessageBytes: number;
    tls?: TlsClientEnd;
    brokerId?: BrokerId;
  }): Promise<Channel>;
}
