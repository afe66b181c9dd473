/** The pages of the peer endpoint: which of them answers a request, and by which methods. */
import type { HttpAnswer, HttpRequest } from '../platform/channels.ts';

/** Takes a request that is for it; null for any other. */
export type Page = (request: HttpRequest) => Promise<HttpAnswer | null>;

/** The first that takes it answers; what is left is read only, and answered by `otherwise`. */
export async function answerPage(
  request: HttpRequest,
  pages: readonly Page[],
  otherwise: (path: string) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  for (const page of pages) {
    const answer = await page(request);
    if (answer !== null) return answer;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, contentType: 'text/plain', body: 'only GET and HEAD are answered here\n' };
  return otherwise(request.path);
}
