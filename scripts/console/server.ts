/**
 * The console over HTTP: the page, answers in JSON, and what happens as a stream of server-sent events. It
 * belongs to the one who started it: it listens on loopback unless told otherwise, with TLS if it is given a
 * certificate; other sites' pages are refused by their origin and by the name they call it by, and changes
 * need a header that a form can't send. Who may come in, the door knows.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsServerEnd } from '../../broker/platform/tls.ts';
import { secureContext } from '../../broker/platform/tls-sockets.ts';
import type { Door } from './door.ts';
import { CHANGES, QUESTIONS } from './questions.ts';
import type { Reader } from './reader.ts';
import { BadQuestion, LoginNeeded, NotFound, ReadOnly, statusOf, TooMany } from './refusals.ts';
import { streamTo } from './stream.ts';
import type { SessionView } from './views.ts';

/** A file of the page: its bytes as they are, and compressed. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

interface ServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly allowChanges: boolean;
  /** null: in the clear. */
  readonly tls: TlsServerEnd | null;
  /** By path; `/` is the page itself. */
  readonly files: ReadonlyMap<string, PageFile>;
}

export interface ConsoleServer {
  readonly url: string;
  close(): void;
}

/** What the page sends with a change. */
const CHANGE_HEADER = 'x-odradek-console';
const HANDSHAKE_TIMEOUT_MS = 10_000;
const MOST_BODY_BYTES = 64 * 1024;
const MOST_STREAMS = 32;
const MOST_OF_ONE = 8;
/** Everything is its own; nothing is asked of others. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Listens when it returns. */
export async function serveConsole(door: Door, options: ServerOptions): Promise<ConsoleServer> {
  const desk = new Desk(door, options);
  const take = (request: IncomingMessage, response: ServerResponse): void => desk.take(request, response);
  const server =
    options.tls === null ? createServer(take) : createSecureServer(secureOptions(options.tls), take);
  server.listen({ host: options.host, port: options.port });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${schemeOf(options)}://${host}:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function secureOptions(tls: TlsServerEnd) {
  const { clientAuth } = tls;
  return {
    ...secureContext(tls),
    requestCert: clientAuth !== 'none',
    rejectUnauthorized: clientAuth === 'required',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  };
}

function schemeOf({ tls }: Pick<ServerOptions, 'tls'>): 'http' | 'https' {
  return tls === null ? 'http' : 'https';
}

class Desk {
  readonly #door: Door;
  readonly #options: ServerOptions;
  readonly #streams = new Map<Reader, number>();

  constructor(door: Door, options: ServerOptions) {
    this.#door = door;
    this.#options = options;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else
        sendJson(response, statusOf(error), {
          error: error instanceof Error ? error.message : String(error),
        });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isForeign(request, this.#options)) {
      sendJson(response, 403, { error: 'not for pages of other sites' });
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://console');
    if (request.method === 'POST') return this.#change(pathname, request, response);
    if (request.method !== 'GET') throw new BadQuestion('GET and POST are understood');
    const file = this.#options.files.get(pathname);
    if (file !== undefined) return sendFile(request, response, file);
    if (pathname === '/api/session') return sendJson(response, 200, this.#session(request));
    const reader = this.#reader(request);
    if (pathname === '/api/stream') return this.#stream(reader, response);
    if (pathname === '/drill-report') return sendReport(reader, response);
    const question = QUESTIONS.get(pathname);
    if (question === undefined) throw new NotFound(`there is no ${pathname}`);
    sendJson(response, 200, await question(reader, new Map(searchParams)));
  }

  #session({ headers, socket }: IncomingMessage): SessionView {
    const cookie = cookieName(socket.localPort);
    const reader = this.#door.readerOf(headers, cookie);
    return {
      asksForLogin: this.#door.asksForLogin,
      isIn: reader !== null,
      user: reader?.user ?? null,
      ended: this.#door.endOf(headers, cookie),
    };
  }

  #reader({ headers, socket }: IncomingMessage): Reader {
    const reader = this.#door.readerOf(headers, cookieName(socket.localPort));
    if (reader === null) throw new LoginNeeded();
    return reader;
  }

  async #change(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers[CHANGE_HEADER] === undefined)
      throw new BadQuestion(`what is POSTed comes with the header ${CHANGE_HEADER}`);
    if (pathname === '/api/log-in') return this.#logIn(request, response);
    const reader = this.#reader(request);
    if (pathname === '/api/log-out') return this.#logOut(request, response);
    const change = CHANGES.get(pathname);
    if (change === undefined) throw new NotFound(`there is no ${pathname} to POST to`);
    if (!this.#options.allowChanges) throw new ReadOnly();
    await change(reader, await bodyOf(request));
    sendJson(response, 200, {});
  }

  async #logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const id = await this.#door.logIn(body.get('user') ?? '', body.get('password') ?? '');
    // Who logs in anew leaves nothing behind.
    this.#door.logOut(request.headers, cookieName(request.socket.localPort));
    setCookie(request, response, id);
    sendJson(response, 200, {});
  }

  #logOut(request: IncomingMessage, response: ServerResponse): void {
    this.#door.logOut(request.headers, cookieName(request.socket.localPort));
    setCookie(request, response, null);
    sendJson(response, 200, {});
  }

  #stream(reader: Reader, response: ServerResponse): void {
    const own = this.#streams.get(reader) ?? 0;
    let all = 0;
    for (const each of this.#streams.values()) all += each;
    if (all >= MOST_STREAMS) throw new TooMany(`at most ${MOST_STREAMS} pages at a time`);
    if (this.#door.asksForLogin && own >= MOST_OF_ONE)
      throw new TooMany(`at most ${MOST_OF_ONE} pages of one login at a time`);
    this.#streams.set(reader, own + 1);
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.once('close', () => {
      const left = (this.#streams.get(reader) ?? 1) - 1;
      if (left === 0) this.#streams.delete(reader);
      else this.#streams.set(reader, left);
    });
    streamTo(response, reader, this.#options.allowChanges);
  }
}

/** Cookies are shared by all ports of a host: two consoles have two names. */
function cookieName(port: number | undefined): string {
  return `odradek-console-${port}`;
}

/** Null takes it away. Scripts can't read it, and no other site's page makes the browser send it. */
function setCookie({ socket }: IncomingMessage, response: ServerResponse, id: string | null): void {
  const pair = `${cookieName(socket.localPort)}=${id ?? '; Max-Age=0'}`;
  const secure = 'encrypted' in socket ? '; Secure' : '';
  response.setHeader('set-cookie', `${pair}; Path=/; HttpOnly; SameSite=Strict${secure}`);
}

/** Whether only this machine reaches it there. */
export function isLocal(host: string): boolean {
  return ['127.0.0.1', '::1', 'localhost'].includes(host);
}

/** Another site's page shows by its origin, or by a name of its own that it has made lead here. */
function isForeign({ headers, url }: IncomingMessage, options: ServerOptions): boolean {
  const called = headers.host ?? '';
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origin !== `${schemeOf(options)}://${called}`) return true;
  // Browsers say so themselves; a link to the page may be anywhere.
  if (url?.startsWith('/api/') === true && (site === 'cross-site' || site === 'same-site')) return true;
  return isLocal(options.host) && !['127.0.0.1', 'localhost', '[::1]'].includes(called.replace(/:\d+$/, ''));
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  const zips = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = zips ? file.gzipped : file.body;
  response.writeHead(200, {
    ...HEADERS,
    'content-type': file.type,
    'content-length': body.length,
    ...(zips ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(body);
}

/** The post-mortem of the last drill: a page of its own, which may do nothing at all. */
async function sendReport({ rights, drills }: Reader, response: ServerResponse): Promise<void> {
  await rights.need('ALTER');
  const body = drills.report();
  response.writeHead(200, {
    ...HEADERS,
    'content-security-policy': REPORT_POLICY,
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body ?? {}, (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  response.writeHead(status, {
    ...HEADERS,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** An object of texts. */
async function bodyOf(request: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    sizeBytes += (part as Buffer).length;
    if (sizeBytes > MOST_BODY_BYTES) throw new BadQuestion(`a body has at most ${MOST_BODY_BYTES} bytes`);
    parts.push(part as Buffer);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Error();
    return new Map(Object.entries(body).map(([name, value]) => [name, String(value)]));
  } catch {
    throw new BadQuestion('the body is no JSON object');
  }
}
