/**
 * Plain HTTP on the port of the channels: a request as broker/http/ takes it, and its answer on the way out.
 * What a client sends is read only by whoever asks for it, and up to a limit; the rest is drained unread.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyTooLarge, type HttpAnswer, type HttpRequest, type HttpStream } from './channels.ts';

/** Rejects when the answer can't be sent; a failure to make one is an answer, and tells nothing of itself. */
export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  http: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<void> {
  const answer = await answerTo(request, http);
  // A body that nobody wanted would hold up the next request of the connection.
  request.resume();
  const { status, contentType, body, location, sent, stream } = answer;
  if (sent !== undefined) response.once('close', sent);
  const elsewhere = location === undefined ? {} : { location };
  const headers = { 'content-type': contentType, 'cache-control': 'no-store', ...elsewhere };
  if (stream !== undefined) {
    response.writeHead(status, headers);
    response.write(body);
    stream(streamOver(response));
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? '' : body);
}

async function answerTo(
  request: IncomingMessage,
  http: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  try {
    return await http({
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      remoteAddress: request.socket.remoteAddress ?? '',
      host: request.headers.host ?? '',
      origin: request.headers.origin ?? null,
      body: (maxBytes) => bodyOf(request, maxBytes),
    });
  } catch {
    return { status: 500, contentType: 'text/plain', body: 'the answer could not be made\n' };
  }
}

function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (part: Buffer) => {
      sizeBytes += part.length;
      if (sizeBytes > maxBytes) reject(new BodyTooLarge(maxBytes));
      else parts.push(part);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('close', () => reject(new Error('the asker is gone')));
  });
}

function streamOver(response: ServerResponse): HttpStream {
  let isOver = false;
  let closed: (() => void) | null = null;
  response.once('close', () => {
    isOver = true;
    closed?.();
  });
  return {
    write(text) {
      if (!isOver) response.write(text);
    },
    end: () => response.end(),
    onClose(listener) {
      closed = listener;
      if (isOver) listener();
    },
  };
}
