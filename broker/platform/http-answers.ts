/**
 * Answers plain HTTP requests beside the channels (web-socket-channels.ts). An answer is a whole body or a
 * stream, of which the next piece is made when the reader has taken the one before: what is sent to a slow
 * reader waits in one piece at most, and who takes nothing for long is given up. What a client sends is read
 * only by whoever asks for it, and up to a limit; the rest is drained unread. Source: RFC 9110.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyTooLarge, type ChannelNetwork, type HttpAnswer, type HttpStream } from './channels.ts';

type AnswerRequest = Parameters<ChannelNetwork['listen']>[0]['http'];

interface AnswerOptions {
  readonly http: AnswerRequest;
  readonly stallLimitMs: number;
}

/** Resolves when the answer has been handed over, or the reader is gone. */
export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  { http, stallLimitMs }: AnswerOptions,
): Promise<void> {
  const { status, contentType, body, location, sent } = await answerTo(request, http);
  // A body that nobody wanted would hold up the next request of the connection.
  request.resume();
  if (sent !== undefined) response.once('close', sent);
  const isHead = request.method === 'HEAD';
  const elsewhere = location === undefined ? {} : { location };
  if (typeof body === 'string') {
    const about = { 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...elsewhere };
    response.writeHead(status, about);
    response.end(isHead ? '' : body);
    return;
  }
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  if (isHead || response.destroyed) {
    body.close();
    response.end();
  } else await writeStream(response, body, stallLimitMs);
}

/** Path and query of a request, as it was sent. */
export function pathOf(request: IncomingMessage): string {
  return request.url ?? '/';
}

async function answerTo(request: IncomingMessage, http: AnswerRequest): Promise<HttpAnswer> {
  const headers = Object.entries(request.headers).filter(
    (header): header is [string, string] => typeof header[1] === 'string',
  );
  try {
    return await http({
      method: request.method ?? 'GET',
      path: pathOf(request),
      headers: Object.fromEntries(headers),
      remoteAddress: request.socket.remoteAddress ?? '',
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

async function writeStream(
  response: ServerResponse,
  stream: HttpStream,
  stallLimitMs: number,
): Promise<void> {
  response.once('close', () => stream.close());
  // So that the reader knows of its answer before there is a first piece.
  response.flushHeaders();
  for (;;) {
    const piece = await stream.next();
    if (piece === null || response.destroyed) break;
    if (!response.write(piece)) await drained(response, stallLimitMs);
  }
  response.end();
}

/** Resolves also when the reader has gone, or was given up because it took nothing. */
function drained(response: ServerResponse, stallLimitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), stallLimitMs);
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
