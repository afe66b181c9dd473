/**
 * The console over HTTP: the page, answers in JSON, and what happens as a stream of server-sent events. It
 * belongs to the one who started it: it listens on loopback unless told otherwise, other sites' pages are
 * refused by their origin and by the name they call it by, and changes need a header that a form can't send.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CHANGES, QUESTIONS, type Sources } from './questions.ts';
import { BadQuestion, NotFound, ReadOnly, statusOf } from './refusals.ts';
import { streamTo } from './stream.ts';

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
  /** By path; `/` is the page itself. */
  readonly files: ReadonlyMap<string, PageFile>;
}

export interface ConsoleServer {
  readonly url: string;
  close(): void;
}

/** What the page sends with a change. */
const CHANGE_HEADER = 'x-odradek-console';
const MOST_BODY_BYTES = 64 * 1024;
const MOST_STREAMS = 32;
/** Everything is its own; nothing is asked of others. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Listens when it returns. */
export async function serveConsole(sources: Sources, options: ServerOptions): Promise<ConsoleServer> {
  const desk = new Desk(sources, options);
  const server: Server = createServer((request, response) => desk.take(request, response));
  server.listen({ host: options.host, port: options.port });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

class Desk {
  readonly #sources: Sources;
  readonly #options: ServerOptions;
  #streams = 0;

  constructor(sources: Sources, options: ServerOptions) {
    this.#sources = sources;
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
    if (isForeign(request, this.#options.host)) {
      sendJson(response, 403, { error: 'not for pages of other sites' });
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://console');
    if (request.method === 'POST') return this.#change(pathname, request, response);
    if (request.method !== 'GET') throw new BadQuestion('GET and POST are understood');
    if (pathname === '/api/stream') return this.#stream(response);
    const file = this.#options.files.get(pathname);
    if (file !== undefined) return sendFile(request, response, file);
    const question = QUESTIONS.get(pathname);
    if (question === undefined) throw new NotFound(`there is no ${pathname}`);
    sendJson(response, 200, await question(this.#sources, new Map(searchParams)));
  }

  async #change(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const change = CHANGES.get(pathname);
    if (change === undefined) throw new NotFound(`there is no ${pathname} to POST to`);
    if (!this.#options.allowChanges) throw new ReadOnly();
    if (request.headers[CHANGE_HEADER] === undefined)
      throw new BadQuestion(`a change comes with the header ${CHANGE_HEADER}`);
    await change(this.#sources, await bodyOf(request));
    sendJson(response, 200, {});
  }

  #stream(response: ServerResponse): void {
    if (this.#streams >= MOST_STREAMS) throw new BadQuestion(`at most ${MOST_STREAMS} pages at a time`);
    this.#streams += 1;
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.once('close', () => {
      this.#streams -= 1;
    });
    streamTo(response, this.#sources, this.#options.allowChanges);
  }
}

/** Another site's page shows by its origin, or by a name of its own that it has made lead here. */
function isForeign({ headers }: IncomingMessage, host: string): boolean {
  const called = headers.host ?? '';
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${called}`) return true;
  const isOpen = !['127.0.0.1', '::1', 'localhost'].includes(host);
  return !isOpen && !['127.0.0.1', 'localhost', '[::1]'].includes(called.replace(/:\d+$/, ''));
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
