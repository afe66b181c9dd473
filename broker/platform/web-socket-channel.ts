/**
 * One end of a WebSocket as a Channel. `ws` does the handshake, pings and the close, and reads at the
 * accepting end; data frames are written here, because `ws` would have the parts of a message joined first.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Channel } from './channels.ts';
import { certificateOf } from './tls-sockets.ts';
import type { WebSocketReader } from './web-socket-reader.ts';

const FINAL_BINARY_FRAME = 0x82;
const MASKED = 0x80;
/** Pings go out after a third of the limit without a byte. */
const CHECKS_PER_LIMIT = 3;
/** RFC 6455: a close frame holds 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;
const NORMAL_CLOSURE = 1000;

/** Paused until somebody listens for messages. `#closed` is called once, whoever ends it. */
export class WebSocketChannel implements Channel {
  readonly remote: string;
  readonly remoteAddress: string;
  readonly peerCertificate: Buffer | null;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #masked: boolean;
  /** Takes the messages out of what is read; without it `ws` does. */
  readonly #reader: WebSocketReader | null;
  #drained: (() => void) | null = null;
  #closed: ((reason: string) => void) | null = null;
  /** Why the channel is closed or closing, as far as it is known. */
  #reason: string | null = null;
  #isClosed = false;
  /** Messages handed to the socket that have not left. */
  #unsent = 0;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    {
      masked,
      silenceLimitMs,
      reader = null,
    }: { masked: boolean; silenceLimitMs: number; reader?: WebSocketReader | null },
  ) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#masked = masked;
    this.#reader = reader;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.peerCertificate = certificateOf(socket);
    this.remote = `${this.remoteAddress}:${socket.remotePort ?? 0}`;
    // Nothing may come before somebody listens.
    webSocket.pause();
    const watch = this.#watchForSilence(silenceLimitMs);
    webSocket.on('error', (error) => {
      this.#reason ??= error.message;
    });
    webSocket.on('close', (code, reason) => {
      clearInterval(watch);
      this.#isClosed = true;
      this.#reason ??= reason.length > 0 ? reason.toString() : `closed with code ${code}`;
      this.#closed?.(this.#reason);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  get open(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN && this.#socket.writable;
  }

  send(parts: readonly Uint8Array[], sent?: () => void): void {
    if (!this.open) {
      if (sent !== undefined) process.nextTick(sent);
      return;
    }
    const socket = this.#socket;
    this.#unsent++;
    socket.cork();
    let sizeBytes = 0;
    for (const part of parts) sizeBytes += part.length;
    // The last write tells when all is out, so an empty message's header has to be the last.
    const writes = [frameHeader(sizeBytes, this.#masked), ...parts.filter((part) => part.length > 0)];
    const last = writes.pop();
    for (const part of writes) socket.write(part);
    socket.write(last ?? '', () => this.#written(sent));
    socket.uncork();
  }

  allowMessages(maxMessageBytes: number): void {
    receiverOf(this.#webSocket)._maxPayload = maxMessageBytes;
    this.#reader?.allowMessages(maxMessageBytes);
  }

  onMessage(receive: (message: Buffer) => void): void {
    const wanted = (message: unknown): void => {
      // What arrives after an own close() is not wanted any more.
      if (this.#reason === null && Buffer.isBuffer(message)) receive(message);
    };
    this.#webSocket.on('message', wanted);
    this.#reader?.start(wanted);
    this.#webSocket.resume();
  }

  onDrain(drained: () => void): void {
    this.#drained = drained;
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed;
    if (this.#isClosed) process.nextTick(() => closed(this.#reason ?? ''));
  }

  close(reason: string): void {
    if (this.#reason !== null || this.#isClosed) return;
    this.#reason = reason;
    // A paused channel would never see the other end's agreement.
    this.#webSocket.resume();
    this.#webSocket.close(NORMAL_CLOSURE, shortened(reason));
  }

  destroy(): void {
    this.#reason ??= 'the connection was reset';
    this.#webSocket.terminate();
  }

  #written(sent: (() => void) | undefined): void {
    this.#unsent--;
    sent?.();
    if (this.#unsent === 0 && this.open) this.#drained?.();
  }

  /** Counts checks and not time, so that a process that was stopped does not blame the other end. */
  #watchForSilence(silenceLimitMs: number): NodeJS.Timeout {
    let bytesSeen = this.#socket.bytesRead;
    let silentChecks = 0;
    const watch = setInterval(() => {
      if (this.#socket.bytesRead !== bytesSeen) {
        bytesSeen = this.#socket.bytesRead;
        silentChecks = 0;
        return;
      }
      silentChecks++;
      if (silentChecks >= CHECKS_PER_LIMIT) {
        this.#reason ??= `nothing heard for ${silenceLimitMs} ms`;
        this.#webSocket.terminate();
      } else if (this.open) {
        this.#webSocket.ping();
      }
    }, silenceLimitMs / CHECKS_PER_LIMIT);
    return watch;
  }
}

/**
 * The part of a WebSocket that reads frames. `ws` takes the largest message with the upgrade only, before
 * anybody knows who the other end is; that field of its Receiver is the one place where it is kept.
 */
function receiverOf(webSocket: WebSocket): { _maxPayload: number } {
  const receiver = '_receiver' in webSocket ? webSocket._receiver : null;
  if (typeof receiver !== 'object' || receiver === null || !('_maxPayload' in receiver)) {
    throw new Error('this release of ws keeps the largest message elsewhere');
  }
  return receiver as { _maxPayload: number };
}

function frameHeader(sizeBytes: number, masked: boolean): Buffer {
  const maskBytes = masked ? 4 : 0;
  const maskBit = masked ? MASKED : 0;
  const lengthBytes = sizeBytes < 126 ? 0 : sizeBytes < 65536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes + maskBytes);
  header[0] = FINAL_BINARY_FRAME;
  if (lengthBytes === 0) {
    header[1] = maskBit | sizeBytes;
  } else if (lengthBytes === 2) {
    header[1] = maskBit | 126;
    header.writeUInt16BE(sizeBytes, 2);
  } else {
    header[1] = maskBit | 127;
    header.writeUIntBE(sizeBytes, 4, 6);
  }
  return header;
}

/** As much of the reason as fits, cut between characters. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  return bytes
    .subarray(0, MAX_REASON_BYTES)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}
