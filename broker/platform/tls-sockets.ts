/**
 * TLS for byte streams, by Node's own: the handshake of those who connect, and of those who are dialled.
 * Until its handshake is over a connection is nobody's: it costs a place among a bounded number, for a
 * bounded time. Neither end starts a second handshake on a connection.
 */
import { constants } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer,
  getCiphers,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { PlainSocket } from './node-sockets.ts';
import type { ByteSocket } from './sockets.ts';
import type { TlsClientEnd, TlsListening, TlsServerEnd } from './tls.ts';

/** Takes connections of TCP, and hands them on once they are secure. */
export class TlsDoor {
  readonly #listening: TlsListening;
  readonly #accept: (socket: ByteSocket) => void;
  /** Connections whose handshake is under way, by the address of their other end; the oldest first. */
  readonly #handshaking = new Map<string, Socket>();
  /** What makes handshakes with the present end; it listens nowhere. */
  #server: Server | null = null;
  #end: TlsServerEnd | null = null;

  constructor(listening: TlsListening, accept: (socket: ByteSocket) => void) {
    this.#listening = listening;
    this.#accept = accept;
  }

  take(socket: Socket): void {
    if (this.#handshaking.size >= this.#listening.mostHandshakes) this.#giveUpOldest();
    const peer = peerOf(socket);
    this.#handshaking.set(peer, socket);
    socket.once('close', () => {
      if (this.#handshaking.get(peer) === socket) this.#handshaking.delete(peer);
    });
    this.#current().emit('connection', socket);
  }

  close(): void {
    for (const socket of this.#handshaking.values()) socket.destroy();
  }

  /** Who has not come to an end for longest is the least likely to: newcomers are served even then. */
  #giveUpOldest(): void {
    const [oldest] = this.#handshaking;
    if (oldest === undefined) return;
    const [peer, socket] = oldest;
    const { mostHandshakes, refused } = this.#listening;
    refused(hostOf(socket), `more than ${mostHandshakes} handshakes are under way, and this is the oldest`);
    this.#handshaking.delete(peer);
    socket.destroy();
  }

  /** Connections that are secure already stay as they are when the end changes. */
  #current(): Server {
    const end = this.#listening.end();
    if (this.#server !== null && this.#end === end) return this.#server;
    const { handshakeTimeoutMs, refused } = this.#listening;
    const server = createServer({
      ...contextOf(end),
      requestCert: end.clientAuth !== 'none',
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => this.#secured(socket, end));
    server.on('tlsClientError', (error, socket) => {
      // Who has gone by itself, or was given up, is none to be told of.
      if (this.#handshaking.delete(peerOf(socket))) refused(hostOf(socket), reasonOf(error));
      socket.destroy();
    });
    this.#server = server;
    this.#end = end;
    return server;
  }

  #secured(socket: TLSSocket, { clientAuth }: TlsServerEnd): void {
    this.#handshaking.delete(peerOf(socket));
    const problem = certificateProblem(socket, clientAuth);
    if (problem === null) {
      this.#accept(new PlainSocket(socket));
      return;
    }
    this.#listening.refused(hostOf(socket), problem);
    socket.on('error', () => {});
    socket.destroy();
  }
}

/** Connects and shakes hands; rejects with what was wrong. */
export function secured(target: {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly tls: TlsClientEnd;
}): Promise<TLSSocket> {
  const { host, port, timeoutMs, tls } = target;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...tlsOptions(tls),
      host,
      port,
      // An address is no name to be asked for.
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const timer = setTimeout(() => {
      const message = `ETIMEDOUT: no secure connection to ${host}:${port}`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      socket.pause();
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** For whoever makes the connection itself, as libraries do. */
export function tlsOptions(tls: TlsClientEnd): ConnectionOptions {
  return tls.verifiesHost ? contextOf(tls) : { ...contextOf(tls), checkServerIdentity: () => undefined };
}

/** What of an end can't be used for handshakes; null when all of it can. */
export function tlsProblem(end: TlsServerEnd | TlsClientEnd): string | null {
  try {
    createSecureContext(contextOf(end));
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** OpenSSL's names of all that can be spoken, in lower case. */
export function knownCiphers(): ReadonlySet<string> {
  return new Set(getCiphers());
}

function contextOf({ identity, trusted, minVersion, maxVersion, ciphers }: TlsServerEnd | TlsClientEnd) {
  const context: SecureContextOptions = {
    minVersion,
    maxVersion,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  if (trusted !== null) context.ca = [...trusted];
  if (ciphers !== null) context.ciphers = ciphers.join(':');
  if (identity?.kind === 'pkcs12') {
    context.pfx = identity.store;
    context.passphrase = identity.passphrase;
  } else if (identity !== null) {
    context.key = identity.key;
    context.cert = identity.certificates;
    if (identity.passphrase !== null) context.passphrase = identity.passphrase;
  }
  return context;
}

/** Why a client is not taken as it has shown itself; null when it is. */
function certificateProblem(socket: TLSSocket, clientAuth: TlsServerEnd['clientAuth']): string | null {
  if (clientAuth === 'none') return null;
  if (socket.getPeerX509Certificate() === undefined) {
    return clientAuth === 'required' ? 'the client has shown no certificate' : null;
  }
  return socket.authorized
    ? null
    : `the client's certificate is no good: ${reasonOf(socket.authorizationError)}`;
}

function peerOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

function hostOf(socket: Socket): string {
  return socket.remoteAddress ?? '';
}

/** One line, and not OpenSSL's places in its sources. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, reason } = error as Error & { readonly code?: string; readonly reason?: string };
  return reason ?? error.message.split('\n')[0] ?? code ?? '';
}
