/**
 * Where clients come in: a plain port, a secure one, or both. A client of the secure one is nobody's before
 * its handshake is over, and has only so long for that.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, TLSSocket } from 'node:tls';
import type { ResolvedOptions, SecureOptions } from './options.ts';

/** Shakers of hands beyond those who may be connected. */
const HANDSHAKES_BESIDE = 100;

export class Doors {
  readonly #plain: { readonly server: Server; readonly port: number } | null;
  readonly #secure: { readonly server: Server; readonly options: SecureOptions } | null;
  readonly #options: ResolvedOptions;

  /** `accept`: a client, who has shown whom it is if the door is secure. */
  constructor(options: ResolvedOptions, accept: (socket: Socket) => void) {
    const { port, secure } = options;
    this.#options = options;
    this.#plain = port === null ? null : { server: createServer({ noDelay: true }, accept), port };
    this.#secure =
      secure === null ? null : { server: secureServer(options, secure, accept), options: secure };
  }

  /** Of the plain door, or of the only one there is; as asked for while nothing listens. */
  get port(): number {
    return this.#plain === null ? (this.securePort ?? 0) : portOf(this.#plain.server, this.#plain.port);
  }

  get securePort(): number | null {
    return this.#secure === null ? null : portOf(this.#secure.server, this.#secure.options.port);
  }

  async open(): Promise<void> {
    const { host, log } = this.#options;
    if (this.#plain !== null) await listen(this.#plain.server, { host, port: this.#plain.port }, log);
    if (this.#secure === null) return;
    try {
      await listen(this.#secure.server, this.#secure.options, log);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Resolves when nobody is connected any more. */
  async close(): Promise<void> {
    const servers = [this.#plain?.server, this.#secure?.server].filter(
      (server) => server?.listening === true,
    );
    await Promise.all(servers.map((server) => new Promise((resolve) => server?.close(resolve))));
  }
}

function secureServer(
  options: ResolvedOptions,
  secure: SecureOptions,
  accept: (socket: Socket) => void,
): Server {
  const { log, handshakeTimeoutMs: handshakeTimeout, maxConnections } = options;
  const server = createSecureServer({
    ...secure.tls,
    requestCert: secure.clientAuth !== 'none',
    rejectUnauthorized: false,
    handshakeTimeout,
    noDelay: true,
  });
  server.maxConnections = maxConnections + HANDSHAKES_BESIDE;
  server.on('secureConnection', (socket) => {
    const problem = certificateProblem(socket, secure);
    if (problem === null) {
      accept(socket);
      return;
    }
    log(`refusing ${socket.remoteAddress}: ${problem}`);
    socket.on('error', () => {});
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => {
    log(`refusing ${socket.remoteAddress}: ${error.message.split('\n')[0]}`);
    socket.destroy();
  });
  return server;
}

/** Why a client is not taken with the certificate that it shows; null when it is. */
function certificateProblem(socket: TLSSocket, { clientAuth }: SecureOptions): string | null {
  if (clientAuth === 'none') return null;
  if (socket.getPeerX509Certificate() === undefined) {
    return clientAuth === 'required' ? 'it has shown no certificate' : null;
  }
  return socket.authorized ? null : `its certificate is no good: ${socket.authorizationError}`;
}

/** The name in the certificate that a client has shown; null without one. */
export function certificateName(socket: Socket, secure: SecureOptions | null): string | null {
  if (secure === null || secure.clientAuth === 'none' || !(socket instanceof TLSSocket)) return null;
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? null : secure.nameOf(certificate.raw);
}

function portOf(server: Server, asked: number): number {
  return (server.address() as AddressInfo | null)?.port ?? asked;
}

function listen(
  server: Server,
  at: { readonly host: string; readonly port: number },
  log: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      server.on('error', (error) => log(`cannot accept: ${error.message}`));
      resolve();
    });
  });
}
