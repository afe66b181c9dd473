/**
 * Faults on demand over HTTP, for any language: `POST /faults/KIND` with a JSON body strikes, `GET /faults`
 * lists, `DELETE /faults` heals. Whoever wants faults to end with itself keeps `POST /faults/hold` open. Only
 * this machine may ask unless told otherwise, and no page of a browser, wherever it comes from: it sends its
 * origin, or a host name that somebody has made lead here.
 */
import { isLoopback } from '../peers/loopback.ts';
import { BodyTooLarge, type HttpAnswer, type HttpRequest, type HttpStream } from '../platform/channels.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { DescribedFault } from './described-fault.ts';
import { faultOpenApi } from './fault-open-api.ts';

/** Who does what is asked for (faults/fault-desk.ts). */
interface AskedDesk {
  readonly kinds: readonly DescribedFault[];
  list(): readonly object[];
  view(id: number): object | null;
  strike(
    kind: string,
    body: unknown,
  ): Promise<{ readonly view: object; readonly afterAnswer: (() => void) | null }>;
  heal(id: number): object | null;
  healAll(): readonly object[];
  hold(): { readonly name: string; gone(): void };
}

interface FaultPagesOptions {
  readonly desk: AskedDesk;
  readonly clock: Clock;
  /** fault.api.loopback.only */
  readonly loopbackOnly: boolean;
  /** Names under which this broker is known, besides addresses. */
  readonly hostNames: readonly string[];
  /** What a refusal is answered with: the status, and for another place its URL. Other errors are ours. */
  readonly refusalOf: (error: unknown) => { readonly message: string; readonly url?: string } | null;
}

const ROOT = '/faults';
const MAX_BODY_BYTES = 64 * 1024;
/** So often a held connection says something, so that one that is broken is noticed. */
const SIGN_OF_LIFE_MS = 5_000;

/** A page of the peer endpoint (pages.ts). */
export function faultPages(options: FaultPagesOptions): (request: HttpRequest) => Promise<HttpAnswer | null> {
  return async (request) => {
    const [path = ''] = request.path.split('?');
    if (path !== ROOT && !path.startsWith(`${ROOT}/`)) return null;
    const refusal = refusalOfAsker(request, options);
    if (refusal !== null) return failure(403, refusal);
    try {
      return await route(request, path.slice(ROOT.length + 1), options);
    } catch (error) {
      if (error instanceof BodyTooLarge) return failure(413, error.message);
      const refused = options.refusalOf(error);
      if (refused === null) throw error;
      const { message, url } = refused;
      return url === undefined ? failure(400, message) : { ...failure(307, message), location: url };
    }
  };
}

function refusalOfAsker(
  { remoteAddress, headers: { origin, host = '' } }: HttpRequest,
  { loopbackOnly, hostNames }: FaultPagesOptions,
): string | null {
  if (loopbackOnly && !isLoopback(remoteAddress))
    return 'faults are asked for from the machine of the broker only (fault.api.loopback.only)';
  if (origin !== undefined) return 'faults are not for pages of browsers';
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const isKnown = isLoopback(name) || (!loopbackOnly && (isAddress(name) || hostNames.includes(name)));
  return isKnown ? null : `this broker is not known as '${name}'`;
}

/** A page can't be made to come from an address, only from a name. */
function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}

async function route(request: HttpRequest, rest: string, options: FaultPagesOptions): Promise<HttpAnswer> {
  const { desk } = options;
  const { method } = request;
  const isRead = method === 'GET' || method === 'HEAD';
  if (rest === '') {
    if (isRead) return json(200, { faults: desk.list() });
    if (method === 'DELETE') return json(200, { healed: desk.healAll() });
    return failure(405, `${ROOT} is read by GET and healed by DELETE; POST ${ROOT}/KIND strikes`);
  }
  if (rest === 'openapi.json' && isRead)
    return json(200, faultOpenApi(desk.kinds, `http://${request.headers['host']}`));
  if (/^\d+$/.test(rest)) return ofOne(method, Number(rest), desk);
  if (method !== 'POST')
    return failure(405, `${ROOT}/${rest} is asked for by POST: look at ${ROOT}/openapi.json`);
  if (rest === 'hold') return hold(options);
  const { view, afterAnswer } = await desk.strike(rest, parsed(await request.body(MAX_BODY_BYTES)));
  const answer = json(200, view);
  return afterAnswer === null ? answer : { ...answer, sent: afterAnswer };
}

function ofOne(method: string, id: number, desk: AskedDesk): HttpAnswer {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'DELETE')
    return failure(405, `a fault is read by GET and healed by DELETE`);
  const view = method === 'DELETE' ? desk.heal(id) : desk.view(id);
  return view === null ? failure(404, `there is no fault ${id}, or not any more`) : json(200, view);
}

/** One line of JSON with the asker's name, and then nothing but signs of life, as long as it is wanted. */
function hold({ desk, clock }: FaultPagesOptions): HttpAnswer {
  const asker = desk.hold();
  let line: string | null = `${JSON.stringify({ asker: asker.name })}\n`;
  let waiting: Timer | null = null;
  let wake = (): void => {};
  const body: HttpStream = {
    next() {
      const first = line;
      line = null;
      if (first !== null) return Promise.resolve(first);
      return new Promise((resolve) => {
        waiting = clock.after(SIGN_OF_LIFE_MS, () => resolve('\n'));
        wake = () => resolve(null);
      });
    },
    close() {
      waiting?.cancel();
      wake();
      asker.gone();
    },
  };
  return { status: 200, contentType: 'application/json', body };
}

function parsed(body: Buffer): unknown {
  const text = body.toString('utf8').trim();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // No object either, which is what is said of it.
    return null;
  }
}

function json(status: number, body: object): HttpAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function failure(status: number, error: string): HttpAnswer {
  return json(status, { error });
}
