/** Which page of the peer endpoint answers, and by which methods. */
import { describe, expect, it } from 'vitest';
import { answerPage, type Page } from '../../../broker/http/pages.ts';
import type { HttpAnswer, HttpRequest } from '../../../broker/platform/channels.ts';

const text = (body: string): HttpAnswer => ({ status: 200, contentType: 'text/plain', body });

function request(method: string, path: string): HttpRequest {
  const body = () => Promise.resolve(Buffer.alloc(0));
  return { method, path, remoteAddress: '127.0.0.1', host: 'localhost', origin: null, body };
}

const faults: Page = async ({ path }) => (path.startsWith('/faults') ? text('faults') : null);
const answered = (method: string, path: string) =>
  answerPage(request(method, path), [faults], async () => text('otherwise'));

describe('a request', () => {
  it('is answered by the page that takes it, whatever its method', async () => {
    for (const method of ['GET', 'POST', 'DELETE'])
      expect((await answered(method, '/faults/x')).body).toBe('faults');
  });

  it('that no page takes only reads', async () => {
    expect((await answered('GET', '/metrics')).body).toBe('otherwise');
    expect((await answered('HEAD', '/metrics')).body).toBe('otherwise');
    for (const method of ['POST', 'DELETE', 'PUT', 'OPTIONS'])
      expect((await answered(method, '/metrics')).status).toBe(405);
  });
});
