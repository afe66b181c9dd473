/** Faults over HTTP: how they are asked for, how each ends, and what is refused. On a broker that is made up. */
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultDesk } from '../../../broker/faults/fault-desk.ts';
import { FaultElsewhere, type FaultPoints, FaultRefused } from '../../../broker/faults/fault-kind.ts';
import { faultPages } from '../../../broker/http/fault-pages.ts';
import type { ChannelListener } from '../../../broker/platform/channels.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { DiskRules } from '../../../broker/platform/faulty/disk-rules.ts';
import { Links } from '../../../broker/platform/faulty/links.ts';
import { WallClockJumps } from '../../../broker/platform/faulty/wall-clock.ts';
import { createJournal, type Journal } from '../../../broker/platform/journal.ts';
import { webSocketChannels } from '../../../broker/platform/web-socket-channels.ts';
import { type BrokerFaults, faultsAt } from '../../kit/http/fault-client.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';

const HOST = '127.0.0.1';
const MAX_MS = 60_000;
let wallClock: WallClockJumps;
let journal: Journal;
let listener: ChannelListener;
let faults: BrokerFaults;
let calls: string[];
/** The `connection` header of every request. */
let connections: (string | undefined)[];

/** A broker whose clock alone can be hurt. */
function clockOnly(): FaultPoints {
  const points = {
    world: { wallClock, links: new Links(), disk: new DiskRules(() => 0) },
    process: {
      preparePause: async (forMs: number) => ({ stop: () => calls.push(`stopped for ${forMs}`) }),
      kill: () => calls.push('killed'),
    },
    supervisor: null,
    expireSession: () => Promise.reject(new Error('no servers')),
  };
  return points as unknown as FaultPoints;
}

async function serve(loopbackOnly = true): Promise<void> {
  wallClock = new WallClockJumps();
  calls = [];
  connections = [];
  journal = createJournal(
    systemClock,
    recordingDiagnostics(() => {}),
  );
  const desk = new FaultDesk({
    points: clockOnly(),
    clock: systemClock,
    journal,
    maxMs: MAX_MS,
    maxFaults: 3,
  });
  const page = faultPages({
    desk,
    clock: systemClock,
    loopbackOnly,
    hostNames: ['broker1'],
    refusalOf(error) {
      if (error instanceof FaultElsewhere) return { message: error.message, url: error.url };
      return error instanceof FaultRefused ? { message: error.message } : null;
    },
  });
  const nothing = { status: 404, contentType: 'text/plain', body: 'nothing' };
  listener = await webSocketChannels().listen({
    host: HOST,
    port: 0,
    maxMessageBytes: 1000,
    accept: (channel) => channel.destroy(),
    http: async (request) => {
      connections.push(request.headers['connection']);
      return (await page(request)) ?? nothing;
    },
  });
  faults = faultsAt(`http://${HOST}:${listener.port}`);
}

beforeEach(() => serve());
afterEach(() => listener.close());

const jumped = (): number => wallClock.offsetMs;
const healed = () =>
  journal.since(0).flatMap(({ event }) => (event.kind === 'fault-healed' ? [event.why] : []));

/** Sends anything; with `agent: false` on a connection of its own. */
function open(method: string, path: string, headers: Record<string, string> = {}): ClientRequest {
  return httpRequest({ host: HOST, port: listener.port, method, path, headers, agent: false });
}

async function ask(
  method: string,
  path: string,
  { body = '', headers = {} }: { body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const asking = open(method, path, headers);
  asking.end(body);
  const [response] = await once(asking, 'response');
  let text = '';
  for await (const part of response) text += String(part);
  return { status: response.statusCode, answer: JSON.parse(text) };
}

const jump = (body: object) => ask('POST', '/faults/clock-jump', { body: JSON.stringify(body) });

describe('a fault', () => {
  it('is in place until it is healed, by its id or with all', async () => {
    const { answer } = await jump({ byMs: 1000 });
    expect(answer).toMatchObject({ id: 1, fault: 'clock-jump', parameters: { byMs: 1000 }, leftMs: MAX_MS });
    await jump({ byMs: 100 });
    await jump({ byMs: 10 });
    expect(jumped()).toBe(1110);
    expect(await ask('GET', '/faults/2')).toMatchObject({ status: 200, answer: { id: 2 } });
    expect(await ask('DELETE', '/faults/2')).toMatchObject({ status: 200, answer: { id: 2 } });
    expect(jumped()).toBe(1010);
    expect((await ask('GET', '/faults')).answer['faults']).toMatchObject([{ id: 1 }, { id: 3 }]);
    expect((await ask('DELETE', '/faults')).answer['healed']).toMatchObject([{ id: 1 }, { id: 3 }]);
    expect([jumped(), healed()]).toEqual([0, ['asked', 'asked', 'asked']]);
    expect((await ask('DELETE', '/faults/2')).status).toBe(404);
    expect((await ask('GET', '/faults/2')).status).toBe(404);
  });

  it('is in the journal when it strikes and when it is healed', async () => {
    await jump({ byMs: 5, forMs: 30 });
    await eventually('it is over', () => jumped() === 0);
    expect(journal.since(0).map(({ event }) => event)).toEqual([
      { kind: 'fault-struck', id: 1, fault: 'clock-jump', parameters: '{"byMs":5}', forMs: 30 },
      { kind: 'fault-healed', id: 1, fault: 'clock-jump', why: 'time' },
    ]);
  });

  it('that is momentary strikes when the answer has left, and is not in place', async () => {
    await faults.strike('kill');
    await eventually('it has struck', () => calls.length === 1);
    expect([calls, await faults.list()]).toEqual([['killed'], []]);
    expect((await ask('POST', '/faults/kill', { body: '{"forMs":5}' })).answer['error']).toMatch(
      "'forMs' is no parameter of this fault",
    );
  });
});

it('whoever asks has a new connection each time: one that was kept may lead to a process that is gone', async () => {
  const { heal } = await faults.strike('clock-jump', { byMs: 10 });
  await heal();
  await (await faults.hold()).release();
  expect(connections.length).toBeGreaterThan(3);
  expect(new Set(connections)).toEqual(new Set(['close']));
});

describe('whoever holds a connection', () => {
  it('has its faults healed when it lets go, and those of others stay', async () => {
    await jump({ byMs: 1 });
    const held = await faults.hold();
    await held.strike('clock-jump', { byMs: 10 });
    await held.strike('clock-jump', { byMs: 100 });
    expect(jumped()).toBe(111);
    await held.release();
    expect([jumped(), healed()]).toEqual([1, ['asker-gone', 'asker-gone']]);
  });

  it('has them healed as well when it is gone in the middle of anything', async () => {
    const asking = open('POST', '/faults/hold');
    asking.on('error', () => {});
    asking.end();
    const [response] = await once(asking, 'response');
    const [line] = await once(response, 'data');
    const { asker } = JSON.parse(String(line));
    await jump({ byMs: 10, asker });
    // As the kernel does for a process that was killed.
    asking.destroy();
    await eventually('it is healed', () => jumped() === 0);
    expect((await jump({ byMs: 10, asker })).answer['error']).toBe(
      `there is no asker '${asker}': POST /faults/hold makes one`,
    );
  });

  it('is one of a few', async () => {
    const held = [await faults.hold(), await faults.hold(), await faults.hold()];
    await expect(faults.hold()).rejects.toThrow('3 connections hold faults, as many as fault.api.max.faults');
    for (const each of held) await each.release();
    await (await faults.hold()).release();
  });
});

describe('what is asked wrongly is refused in one line that says what is allowed, and changes nothing:', () => {
  it.each([
    [
      'an unknown fault',
      'clock-jmp',
      '{}',
      /'clock-jmp' is no fault: is it clock-jump\? \(there are pause, /,
    ],
    ['a name of the runtime', '__proto__', '{}', /'__proto__' is no fault/],
    ['a path below a fault', 'kill/x', '{}', /'kill\/x' is no fault/],
    ['nothing', 'clock-jump', '', /^byMs is missing: forwards, or back when negative$/],
    ['no JSON', 'clock-jump', '{"byMs":', /^the body must be a JSON object$/],
    ['a list', 'clock-jump', '[1]', /^the body must be a JSON object$/],
    ['null', 'clock-jump', 'null', /^the body must be a JSON object$/],
    ['another type', 'clock-jump', '{"byMs":"1"}', /^byMs must be of type integer: /],
    ['a fraction', 'clock-jump', '{"byMs":1.5}', /^byMs must be of type integer: /],
    ['an endless number', 'clock-jump', '{"byMs":1e999}', /^byMs must be of type integer: /],
    ['too much', 'clock-jump', '{"byMs":9007199254740991}', /^byMs must be at most 3153600000000, not /],
    [
      'too long',
      'clock-jump',
      `{"byMs":1,"forMs":${MAX_MS + 1}}`,
      /^forMs must be at most 60000, not 60001$/,
    ],
    ['no time', 'clock-jump', '{"byMs":1,"forMs":0}', /^forMs must be at least 1, not 0$/],
    [
      'an unknown parameter',
      'clock-jump',
      '{"byMs":1,"for":1}',
      /^'for' is no parameter of this fault \(there are byMs, forMs, asker\)$/,
    ],
    ['a parameter of the runtime', 'clock-jump', '{"__proto__":1,"byMs":1}', /'__proto__' is no parameter/],
    ['another word', 'restart', '{"how":"softly"}', /^how must be clean or hard, not 'softly'$/],
    ['what nobody can do', 'restart', '{}', /^nobody would start this broker again: /],
    ['what can not be done now', 'session-expire', '{}', /^ZooKeeper can't be told: no servers$/],
  ])('%s', async (_what, kind, body, words) => {
    const { status, answer } = await ask('POST', `/faults/${kind}`, { body });
    expect(status).toBe(400);
    expect(answer['error']).toMatch(words);
    expect(String(answer['error'])).not.toContain('\n');
    expect([jumped(), calls, await faults.list()]).toEqual([0, [], []]);
  });

  it('a body that is too large', async () => {
    const body = JSON.stringify({ byMs: 1, asker: 'x'.repeat(70_000) });
    expect(await ask('POST', '/faults/clock-jump', { body })).toMatchObject({
      status: 413,
      answer: { error: 'a body has at most 65536 bytes' },
    });
  });

  it('another method', async () => {
    for (const [method, path] of [
      ['PUT', '/faults'],
      ['POST', '/faults'],
      ['POST', '/faults/1'],
      ['GET', '/faults/clock-jump'],
      ['GET', '/faults/hold'],
      ['DELETE', '/faults/clock-jump'],
    ] as const)
      expect((await ask(method, path)).status, `${method} ${path}`).toBe(405);
  });

  it('more faults than there may be, until one is healed', async () => {
    for (let count = 0; count < 3; count++) await jump({ byMs: 1 });
    const fourth = await jump({ byMs: 1 });
    expect(fourth.answer['error']).toBe('there are 3 faults, as many as fault.api.max.faults lets be');
    await ask('DELETE', '/faults/1');
    expect((await jump({ byMs: 1 })).status).toBe(200);
  });
});

describe('pages of browsers get in', () => {
  const refused = async (headers: Record<string, string>): Promise<void> => {
    for (const [method, path] of [
      ['POST', '/faults/clock-jump'],
      ['DELETE', '/faults'],
      ['GET', '/faults'],
      ['POST', '/faults/hold'],
    ] as const)
      expect(
        (await ask(method, path, { body: method === 'POST' ? '{"byMs":1}' : '', headers })).status,
        method,
      ).toBe(403);
    expect(jumped()).toBe(0);
  };

  it('neither in their own name, be it that of this endpoint', async () => {
    for (const origin of ['http://elsewhere.example', `http://${HOST}:${listener.port}`, 'null', ''])
      await refused({ origin });
  });

  it('nor by a name that was made to lead here', async () => {
    for (const host of ['elsewhere.example', `broker1:${listener.port}`, '127.0.0.1.example', 'localhost.'])
      await refused({ host });
    for (const host of ['localhost', `localhost:${listener.port}`, '[::1]:9190', '127.0.0.1'])
      expect((await ask('GET', '/faults', { headers: { host } })).status, host).toBe(200);
  });

  it('nor where other machines may ask, which know the broker by its names and addresses', async () => {
    await listener.close();
    await serve(false);
    await refused({ host: 'elsewhere.example' });
    for (const host of ['broker1:9190', '10.0.0.7:9190', '[fd00::1]:9190'])
      expect((await ask('GET', '/faults', { headers: { host } })).status, host).toBe(200);
  });
});

it('other machines are refused unless told otherwise', async () => {
  const asked = (remoteAddress: string, loopbackOnly: boolean) =>
    faultPages({
      desk: new FaultDesk({ points: clockOnly(), clock: systemClock, journal, maxMs: 1, maxFaults: 1 }),
      clock: systemClock,
      loopbackOnly,
      hostNames: [],
      refusalOf: () => null,
    })({
      method: 'GET',
      path: '/faults?x=1',
      remoteAddress,
      headers: { host: '10.0.0.7:9190' },
      body: () => Promise.resolve(Buffer.alloc(0)),
    });
  expect(await asked('10.0.0.9', true)).toMatchObject({ status: 403 });
  expect(await asked('10.0.0.9', false)).toMatchObject({ status: 200 });
});

it('the description has every fault, with its parameters as they are checked', async () => {
  const { answer } = await ask('GET', '/faults/openapi.json');
  const paths = answer['paths'] as Record<string, { post?: object }>;
  expect(answer['openapi']).toBe('3.1.0');
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/faults', '/faults/{id}', '/faults/hold', '/faults/link-cut', '/faults/kill']),
  );
  expect(paths['/faults/link-cut']?.post).toMatchObject({
    operationId: 'link-cut',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            required: ['to'],
            additionalProperties: false,
            properties: {
              to: { type: ['string', 'integer'] },
              how: { type: 'string', enum: ['reset', 'silent'] },
              forMs: { type: 'integer', minimum: 1, maximum: MAX_MS },
            },
          },
        },
      },
    },
  });
});
