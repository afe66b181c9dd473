/**
 * Questions over HTTP and HTTPS to somebody else's server, as an issuer of tokens is one: one question, one
 * whole answer of a bounded size within a bounded time. Redirections are not followed: who is asked is
 * configured, and what is sent may be a secret.
 */
import type { IncomingMessage } from 'node:http';
import type { TlsClientEnd } from './tls.ts';
import { tlsOptions } from './tls-sockets.ts';

export interface HttpQuestion {
  /** `http:` or `https:`. */
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** For the connection, and for the answer after it. */
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly maxBytes: number;
  /** null: what Node trusts. */
  readonly tls: TlsClientEnd | null;
}

interface HttpReply {
  readonly status: number;
  readonly body: string;
}

/** Rejects when there is no whole answer: nobody there, too late, too large. */
export type HttpAsker = (question: HttpQuestion) => Promise<HttpReply>;

export const askHttp: HttpAsker = (question) =>
  new Promise((resolve, reject) => {
    const { url, method, headers, body, connectTimeoutMs, readTimeoutMs, tls } = question;
    const isSecure = url.protocol === 'https:';
    // Loaded when somebody is asked: no broker without such an issuer needs it.
    const { request } = process.getBuiltinModule(isSecure ? 'node:https' : 'node:http');
    const asking = request(url, {
      method,
      headers: { ...headers, ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }) },
      agent: false,
      ...(isSecure && tls !== null ? tlsOptions(tls) : {}),
    });
    const late = (what: string, afterMs: number): NodeJS.Timeout =>
      setTimeout(() => asking.destroy(new Error(`${what} within ${afterMs} ms`)), afterMs);
    const connecting = late('no connection', connectTimeoutMs);
    const reading = late('no answer', connectTimeoutMs + readTimeoutMs);
    asking.on('socket', (socket) => {
      socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
    });
    asking.on('close', () => {
      clearTimeout(connecting);
      clearTimeout(reading);
      reject(new Error('the connection was closed before there was an answer'));
    });
    asking.on('error', reject);
    asking.on('response', (response) => take(response, question, resolve, reject));
    asking.end(body ?? undefined);
  });

function take(
  response: IncomingMessage,
  { maxBytes }: HttpQuestion,
  resolve: (reply: HttpReply) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    chunks.push(chunk);
    if (sizeBytes > maxBytes) response.destroy(new Error(`the answer has more than ${maxBytes} bytes`));
  });
  response.on('error', reject);
  response.on('end', () => {
    resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
  });
}
