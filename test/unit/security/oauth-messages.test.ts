/** The client's message of OAUTHBEARER: what is taken, what is not, and that both ends agree. */
import { describe, expect, it } from 'vitest';
import {
  bearerError,
  bearerMessage,
  extensionProblem,
  parseBearerMessage,
} from '../../../broker/security/sasl/oauth-messages.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

const MANY = 4 * 1024 * 1024;

const parsed = (text: string) => parseBearerMessage(Buffer.from(text));

describe('a client’s message', () => {
  it.each([
    ['n,,\x01auth=Bearer a.b.c\x01\x01', { authorizationId: '', token: 'a.b.c', extensions: new Map() }],
    [
      'n,a=al=2Cice,\x01auth=bEARER  x\x01traceId=1 2\x01host=h=1\x01\x01',
      {
        authorizationId: 'al=2Cice',
        token: 'x',
        extensions: new Map([
          ['traceId', '1 2'],
          ['host', 'h=1'],
        ]),
      },
    ],
  ])('%j is read', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  it.each([
    ['', 'Invalid OAUTHBEARER client first message'],
    ['\x01', 'first message'],
    ['y,,\x01auth=Bearer a\x01\x01', 'first message'],
    ['n,a=,\x01auth=Bearer a\x01\x01', 'first message'],
    ['n,a=ä,\x01auth=Bearer a\x01\x01', 'first message'],
    ['n,a=x=y,\x01auth=Bearer a\x01\x01', 'first message'],
    ['n,,\x01auth=Bearer a\x01', 'first message'],
    ['n,,\x01auth=Bearer a\x01\x01\x01', 'first message'],
    ['n,,\x01auth=Bearer a\x01\x01x', 'first message'],
    ['n,,\x01auth=Bearer a\x01b_c=d\x01\x01', 'first message'],
    ['n,,\x01auth=Bearer a\x01bc=\x01\x01', 'first message'],
    ['n,,\x01auth=Bearer a\x01=d\x01\x01', 'first message'],
    ['n,,\x01auth=Bearer a\x01d\x01\x01', 'first message'],
    ['n,,\x01\x01', "'auth' not specified"],
    ['n,,\x01a=b\x01\x01', "'auth' not specified"],
    ['n,,\x01auth=Bearer a+b\x01\x01', "invalid 'auth' format"],
    ['n,,\x01auth=Bearer\x01\x01', "invalid 'auth' format"],
    ['n,,\x01auth=Basic abc\x01\x01', 'Invalid scheme'],
  ])('%j is not', (text, complaint) => {
    expect(parsed(text)).toEqual(expect.stringContaining(complaint));
  });

  it('of the client’s end is what the broker’s reads', () => {
    const message = { authorizationId: 'me', token: 'a.b.', extensions: new Map([['traceId', 'x y']]) };
    expect(parseBearerMessage(bearerMessage(message))).toEqual(message);
  });

  // What looked at the rest again for each piece would take minutes.
  it('of four megabytes comes to an end, whatever it is made of', () => {
    const pieces = { 'a=b\x01': 'object', a: 'string', '=': 'string', '\x01': 'string', 'n,a=': 'string' };
    for (const [piece, kind] of Object.entries(pieces)) {
      const text = `n,,\x01auth=Bearer a\x01${piece.repeat(MANY / piece.length)}\x01`;
      expect(typeof parsed(text), piece).toBe(kind);
    }
  });

  it('that chance has made never throws, and is read only where it can be said again', () => {
    const random = simulatedRandom(7);
    const words = ['n,', 'a=', ',', '\x01', 'auth=', 'Bearer ', 'x.y.', '=', 'k=v', 'ä', '\0', '=2C'];
    for (let round = 0; round < 5000; round += 1) {
      const text = Array.from({ length: random.int(12) }, () => words[random.int(words.length)]);
      const said = parsed(text.join(''));
      if (typeof said !== 'string') expect(parseBearerMessage(bearerMessage(said))).toEqual(said);
    }
  });
});

it('extensions keep to the grammar, and none is called auth', () => {
  expect(extensionProblem('traceId', 'a b')).toBeNull();
  for (const [name, value] of [
    ['auth', 'x'],
    ['a_b', 'x'],
    ['', 'x'],
    ['a', ''],
    ['a', '\x01'],
  ] as const) {
    expect(extensionProblem(name, value)).toContain('invalid');
  }
});

it('what is wrong with a token is told as Kafka tells it', () => {
  expect(bearerError('invalid_token', null)).toBe('{"status":"invalid_token"}');
  expect(bearerError('insufficient_scope', '[a, b]')).toBe(
    '{"status":"insufficient_scope", "scope":"[a, b]"}',
  );
});
