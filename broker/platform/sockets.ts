/**
 * Byte streams for Kafka's clients. The real implementation (tcp-sockets.ts) reads into one shared
 * slab; the simulator and unit tests use in-memory pairs, which have no TLS.
 */
import type { TlsClientEnd, TlsListening } from './tls.ts';

export interface ByteSocket {
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localPort: number;
  /** The certificate that the peer has shown and that was found good, in DER; null: none, or no TLS. */
  readonly peerCertificate: Buffer | null;
  /** Bytes written that the operating system has not taken. */
  readonly bufferedBytes: number;
  readonly open: boolean;
  /** Writes the parts in order. `flushed` is called when they have left the process or the socket has died. */
  write(parts: readonly Uint8Array[], flushed?: () => void): void;
  /** Stops and restarts reading: back-pressure. */
  pause(): void;
  resume(): void;
  /** Sends what is written, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /**
   * Exactly one receiver for each event. The chunk of `data` is valid during the call only: what is
   * to be kept must be copied. `readEnd` comes after the last chunk of one readable burst, which is
   * the moment to flush what the burst has caused.
   */
  on(events: {
    data: (chunk: Buffer) => void;
    readEnd?: () => void;
    drain?: () => void;
    close: (error: Error | null) => void;
  }): void;
}

export interface SocketListener {
  readonly port: number;
  /** Stops accepting; connections stay. */
  close(): Promise<void>;
}

export interface SocketNetwork {
  /** Rejects with Node's listen error (EADDRINUSE, EACCES, …). */
  listen(options: {
    host: string;
    port: number;
    backlog: number;
    accept: (socket: ByteSocket) => void;
    /** With it, those are accepted whose handshake is over. */
    tls?: TlsListening;
  }): Promise<SocketListener>;
  /** `timeoutMs`: until the connection stands, with `tls` until it is secure. */
  dial(options: { host: string; port: number; timeoutMs: number; tls?: TlsClientEnd }): Promise<ByteSocket>;
}
