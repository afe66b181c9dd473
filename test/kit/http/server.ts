/**
 * The commands of a test cluster over HTTP, on loopback only: `POST /COMMAND` with a JSON body, answered in
 * JSON. Pages of browsers are refused, whatever they ask for: none of them may kill brokers.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { refuseUnknown } from '../../../broker/faults/known-names.ts';
import type { KitCluster } from '../kit-cluster.ts';
import { type Body, COMMANDS, type Parameter, type ParameterType } from './commands.ts';
import { openApi } from './open-api.ts';

export interface KitServer {
  readonly url: string;
  close(): void;
}

const MOST_BODY_BYTES = 16 * 1024 * 1024;
const LOOPBACK = '127.0.0.1';

/** Listens when it returns. */
export async function serveKit(cluster: KitCluster, port = 0): Promise<KitServer> {
  const server = createServer((request, response) => {
    answer(cluster, request, url).then(
      (outcome) => send(response, outcome),
      () => response.destroy(),
    );
  });
  server.listen({ host: LOOPBACK, port });
  await once(server, 'listening');
  const url = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Outcome {
  readonly status: number;
  readonly body: unknown;
}

async function answer(cluster: KitCluster, request: IncomingMessage, url: string): Promise<Outcome> {
  const host = request.headers.host ?? '';
  // A page knows neither: it sends its origin, or another name that it has made lead here.
  if (request.headers.origin !== undefined || !isLoopback(host))
    return failure(403, 'not for pages of browsers');
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  if (request.method === 'GET') {
    if (path === '/') return { status: 200, body: clusterOf(cluster) };
    if (path === '/openapi.json') return { status: 200, body: openApi(url) };
    if (!COMMANDS.has(path.slice(1))) return failure(404, `there is no ${path}: look at /openapi.json`);
  }
  if (request.method !== 'POST') return failure(405, 'commands are asked for by POST');
  try {
    refuseUnknown([path.slice(1)], [...COMMANDS.keys()], 'command');
    const command = COMMANDS.get(path.slice(1));
    const body = checked(await bodyOf(request), command?.parameters ?? []);
    return { status: 200, body: (await command?.run(cluster, body)) ?? {} };
  } catch (error) {
    return failure(400, error instanceof Error ? error.message : String(error));
  }
}

function clusterOf({ bootstrapServers, zookeeper, security }: KitCluster): object {
  return { bootstrapServers, zookeeper, ...(security === null ? {} : { security }) };
}

function failure(status: number, error: string): Outcome {
  return { status, body: { error } };
}

function isLoopback(host: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(host.replace(/:\d+$/, ''));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    sizeBytes += (part as Buffer).length;
    if (sizeBytes > MOST_BODY_BYTES) throw new Error(`a body has at most ${MOST_BODY_BYTES} bytes`);
    parts.push(part as Buffer);
  }
  const text = Buffer.concat(parts).toString('utf8').trim();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the body is no JSON');
  }
}

function checked(body: unknown, parameters: readonly Parameter[]): Body {
  if (!isA('object', body)) throw new Error('the body is no JSON object');
  const given = body as Body;
  refuseUnknown(
    Object.keys(given),
    parameters.map(({ name }) => name),
    'parameter of the command',
  );
  for (const { name, type, required, help } of parameters) {
    if (given[name] === undefined) {
      if (required) throw new Error(`${name} is missing: ${help}`);
    } else if (!isA(type, given[name])) {
      throw new Error(`${name} must be ${type === 'integer' ? 'an integer' : `of type ${type}`}: ${help}`);
    }
  }
  return given;
}

function isA(type: ParameterType, value: unknown): boolean {
  if (type === 'any') return true;
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** Bytes are told in base64, and numbers beyond JSON's as texts. */
function send(response: ServerResponse, { status, body }: Outcome): void {
  const plain = (_name: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return String(value);
    const bytes = value as { type?: unknown; data?: unknown } | null;
    // What Buffer makes of itself for JSON.
    if (bytes?.type === 'Buffer' && Array.isArray(bytes.data))
      return Buffer.from(bytes.data).toString('base64');
    return value;
  };
  const text = `${JSON.stringify(body, plain)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
