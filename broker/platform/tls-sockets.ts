/**
 * TLS for byte streams, by Node's own: the handshake of those who connect, and of those who are dialled.
 * Until its handshake is over a connection is nobody's: it costs a place among a bounded number, for a
 * bounded time. A handshake begins with the client's hello and takes the loop's time for its keys, so that of
 * many who say it at once some begin in each turn. Neither end starts a second handshake on a connection.
 */
import { constants } from 'node:crypto';
import { isIP, type OnReadOpts, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer,
  getCiphers,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import type { TlsClientEnd, TlsListening, TlsServerEnd } from './tls.ts';

const MOST_BEGUN_IN_A_TURN = 8;

/** Takes connections of TCP, and hands them on once they are secure. */
export class TlsDoor {
  readonly #listening: TlsListening;
  readonly #accept: (socket: TLSSocket) => void;
  /** Connections whose handshake is under way, by the address of their other end; the oldest first. */
  readonly #handshaking = new Map<string, Socket>();
  /** Of these, who have said hello and whose handshake has not begun, in that order. */
  readonly #waiting: Socket[] = [];
  /** How many have begun in this turn of the event loop. */
  #begun = 0;
  #turn: NodeJS.Immediate | null = null;
  /** What makes handshakes with the present end; it listens nowhere. */
  #server: Server | null = null;
  #end: TlsServerEnd | null = null;

  constructor(listening: TlsListening, accept: (socket: TLSSocket) => void) {
    this.#listening = listening;
    this.#accept = accept;
  }

  take(socket: Socket): void {
    if (this.#handshaking.size >= this.#listening.mostHandshakes) this.#giveUpOldest();
    const peer = peerOf(socket);
    this.#handshaking.set(peer, socket);
    const late = this.#untilHello(socket, peer);
    socket.once('close', () => {
      clearTimeout(late);
      if (this.#handshaking.get(peer) === socket) this.#handshaking.delete(peer);
    });
    socket.on('error', isGone);
    const said = (): void => {
      clearTimeout(late);
      if (socket.readableLength === 0)
        socket.destroy(); // it has ended
      else this.#waiting.push(socket);
      this.#begin();
    };
    // Whoever looked at its first byte before has put it back, of which nobody is told.
    if (socket.readableLength > 0) said();
    else socket.once('readable', said);
  }

  /** Whoever says nothing has as much time for that as for a handshake. */
  #untilHello(socket: Socket, peer: string): NodeJS.Timeout {
    const { handshakeTimeoutMs, refused } = this.#listening;
    return setTimeout(() => {
      this.#handshaking.delete(peer);
      refused(hostOf(socket), 'the client has not said hello in time');
      socket.destroy();
    }, handshakeTimeoutMs);
  }

  close(): void {
    clearImmediate(this.#turn ?? undefined);
    for (const socket of this.#handshaking.values()) socket.destroy();
  }

  /** Some; the others in the next turns: a handshake takes about a millisecond, and a thousand come after a restart. */
  #begin(): void {
    while (this.#begun < MOST_BEGUN_IN_A_TURN) {
      const socket = this.#waiting.shift();
      if (socket === undefined) break;
      if (socket.destroyed) continue;
      this.#begun += 1;
      socket.off('error', isGone);
      this.#current().emit('connection', socket);
    }
    if (this.#begun === 0) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = null;
      this.#begun = 0;
      this.#begin();
    });
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
      ...secureContext(end),
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
      this.#accept(socket);
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
    const socket = dialledSocket({ host, port }, tls);
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

/** A socket that connects and shakes hands, and says so by its events. */
export function dialledSocket(
  target: { readonly host: string; readonly port: number; readonly onread?: OnReadOpts },
  tls: TlsClientEnd,
): TLSSocket {
  // An address is no name to be asked for.
  const name = isIP(target.host) === 0 ? { servername: target.host } : {};
  return connect({ ...tlsOptions(tls), secureContext: contextOf(tls), ...target, ...name });
}

/** The certificate that the other end of a socket has proved to own; null: none, or nothing is encrypted. */
export function certificateOf(socket: Socket): Buffer | null {
  if (!('getPeerX509Certificate' in socket)) return null;
  return (socket as TLSSocket).getPeerX509Certificate()?.raw ?? null;
}

/** For whoever makes the connection itself, as libraries do. */
export function tlsOptions(tls: TlsClientEnd): ConnectionOptions {
  return {
    ...secureContext(tls),
    ...(tls.verifiesHost ? {} : { checkServerIdentity: () => undefined }),
    ...(tls.believesAnybody === true ? { rejectUnauthorized: false } : {}),
  };
}

/** What of an end can't be used for handshakes; null when all of it can. */
export function tlsProblem(end: TlsServerEnd | TlsClientEnd): string | null {
  try {
    contextOf(end);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The certificate that an end shows, in DER; null: none. Throws what {@link tlsProblem} tells. */
export function shownCertificate(end: TlsServerEnd | TlsClientEnd): Buffer | null {
  // Node reads key stores of every kind, and tells what was in one by a method that it does not document.
  const { context } = contextOf(end) as SecureContext & { context: { getCertificate(): Buffer | null } };
  return context.getCertificate();
}

const contexts = new WeakMap<TlsServerEnd | TlsClientEnd, SecureContext>();

/** Made once for each end that dials or is looked at: an encrypted key takes a while to open, and so do many certificates. */
function contextOf(end: TlsServerEnd | TlsClientEnd): SecureContext {
  const known = contexts.get(end);
  if (known !== undefined) return known;
  const made = createSecureContext(secureContext(end));
  contexts.set(end, made);
  return made;
}

/** OpenSSL's names of all that can be spoken, in lower case. */
export function knownCiphers(): ReadonlySet<string> {
  return new Set(getCiphers());
}

/** For whoever makes the server itself, as the embedded ZooKeeper does. */
export function secureContext({
  identity,
  trusted,
  minVersion,
  maxVersion,
  ciphers,
}: TlsServerEnd | TlsClientEnd) {
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

/** Whoever goes while it waits: its end is all that is to be known of it. */
function isGone(): void {}

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
