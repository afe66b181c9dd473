/**
 * Channels over WebSockets, beside HTTP on the same port. A message is written as one frame straight
 * from its parts, without joining them; the dialling side masks with zeroes, which both ends skip
 * (RFC 6455 asks for masks because of browsers' scripts and proxies, and neither is here). A link
 * that has been cut silently is noticed by pings. Sources: RFC 6455; the `ws` package.
 */
import type { IncomingMessage } from 'node:http';
import { connect as netConnect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { Channel, ChannelNetwork } from './channels.ts';
import { answerHttp, pathOf } from './http-answers.ts';
import { listening } from './listening.ts';
import { TlsFront } from './tls-front.ts';
import { dialledSocket } from './tls-sockets.ts';
import { WebSocketChannel } from './web-socket-channel.ts';
import { WebSocketReader } from './web-socket-reader.ts';

interface WebSocketOptions {
  /** A channel on which nothing has come for so long, not even the answer to a ping, is closed. */
  readonly silenceLimitMs?: number;
  /** For an HTTP request to arrive whole. */
  readonly requestTimeoutMs?: number;
  /** Who takes nothing of an HTTP answer for so long is given up. */
  readonly stallLimitMs?: number;
}

/** Half of Kafka's default `replica.lag.time.max.ms`, so that a follower can still find its way back. */
const DEFAULT_SILENCE_LIMIT_MS = 15_000;
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;
const DEFAULT_STALL_LIMIT_MS = 30_000;
/** How long a closing channel waits for the other end to agree. */
const CLOSE_TIMEOUT_MS = 2_000;
const PEER_PATH = '/peer';

// As an import, node:http would load all of its exports, a WebSocket client and fetch among them: a tenth of a start.
const { createServer } = process.getBuiltinModule('node:http');

/** The channels of a real process. */
export function webSocketChannels({
  silenceLimitMs = DEFAULT_SILENCE_LIMIT_MS,
  requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
  stallLimitMs = DEFAULT_STALL_LIMIT_MS,
}: WebSocketOptions = {}): ChannelNetwork {
  return {
    listen: (options) => listen(options, { silenceLimitMs, requestTimeoutMs, stallLimitMs }),
    dial: (options) => dial(options, silenceLimitMs),
  };
}

async function listen(
  { host, port, maxMessageBytes, accept, http, tls }: Parameters<ChannelNetwork['listen']>[0],
  { silenceLimitMs, requestTimeoutMs, stallLimitMs }: Required<WebSocketOptions>,
): ReturnType<ChannelNetwork['listen']> {
  // Node looks for requests that are late every half a minute unless told otherwise.
  const late = { requestTimeout: requestTimeoutMs, connectionsCheckingInterval: requestTimeoutMs };
  const server = createServer({ ...late, noDelay: true }, (request, response) => {
    answerHttp(request, response, { http, stallLimitMs }).catch(() => response.destroy());
  });
  const front = tls === undefined ? null : TlsFront.before(server, tls);
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    skipUTF8Validation: true,
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
  const upgrades = new WebSocketServer(options);
  upgrades.on('wsClientError', (_error, socket) => socket.destroy());
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isForPeers = pathOf(request).split('?')[0] === PEER_PATH;
    // Browsers say in whose name they ask, and no broker does: a page must not speak to us as one.
    const isInTheClear = front !== null && !front.isSecure(socket);
    if (isForPeers && isInTheClear) tls?.refused(request.socket.remoteAddress ?? '', 'it does not speak TLS');
    if (!isForPeers || request.headers.origin !== undefined || isInTheClear) {
      socket.on('error', () => {});
      const status = isForPeers ? '403 Forbidden' : '404 Not Found';
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      accept(new WebSocketChannel(webSocket, socket as Socket, { masked: false, silenceLimitMs }));
    });
  });
  await listening(server, { host, port });
  // What goes wrong later concerns one connection, and that one is closed.
  server.on('error', () => {});
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close();
        // HTTP answers end here; channels have been taken out of the server's hands and stay.
        server.closeAllConnections();
        front?.close();
        setImmediate(resolve);
      }),
  };
}

function dial(
  { host, port, timeoutMs, maxMessageBytes, tls }: Parameters<ChannelNetwork['dial']>[0],
  silenceLimitMs: number,
): Promise<Channel> {
  const reader = new WebSocketReader(maxMessageBytes);
  const options: ClientOptions & { closeTimeout: number } = {
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    skipUTF8Validation: true,
    followRedirects: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // Answers to pings, and the close, are written by ws: they are masked with zeroes as well.
    generateMask: (mask) => mask.fill(0),
    createConnection: (() => {
      const target = { host, port, onread: reader.onread };
      const connecting = tls === undefined ? netConnect(target) : dialledSocket(target, tls);
      reader.attach(connecting);
      return connecting;
    }) as NonNullable<ClientOptions['createConnection']>,
  };
  return new Promise((resolve, reject) => {
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const webSocket = new WebSocket(`ws://${authority}${PEER_PATH}`, options);
    let socket: Socket | null = null;
    const timer = setTimeout(() => {
      reject(Object.assign(new Error(`ETIMEDOUT: no channel to ${authority}`), { code: 'ETIMEDOUT' }));
      webSocket.terminate();
    }, timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    webSocket.on('error', fail);
    webSocket.once('upgrade', (response) => {
      socket = response.socket;
    });
    webSocket.once('open', () => {
      clearTimeout(timer);
      webSocket.off('error', fail);
      if (socket === null) throw new Error('a WebSocket opened without an upgrade');
      resolve(new WebSocketChannel(webSocket, socket, { masked: true, silenceLimitMs, reader }));
    });
  });
}
