/** Every API in every version: what is encoded is what is decoded, and nothing but a whole message is one. */
import { describe, expect, it } from 'vitest';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../broker/protocol/codec.ts';
import { ALL_APIS } from '../../../broker/protocol/messages/all.ts';
import { ProtocolError } from '../../../broker/protocol/reader.ts';
import type { AnyApi } from '../../../broker/protocol/schema.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { randomMessage } from './random-message.ts';
import { unbounded } from './unbounded.ts';

interface Direction {
  readonly what: string;
  readonly encode: (api: AnyApi, version: number, message: Record<string, never>) => Buffer[];
  readonly decode: (api: AnyApi, version: number, body: Buffer) => unknown;
  readonly fields: (api: AnyApi) => AnyApi['request'];
}

const DIRECTIONS: readonly Direction[] = [
  { what: 'request', encode: encodeRequest, decode: decodeRequest, fields: (api) => api.request },
  { what: 'response', encode: encodeResponse, decode: decodeResponse, fields: (api) => api.response },
];

function versionsOf(api: AnyApi): number[] {
  return Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, step) => api.minVersion + step);
}

function forEachVersion(
  { what, fields }: Direction,
  times: number,
  run: (api: AnyApi, version: number, message: Record<string, never>) => void,
): void {
  for (const api of ALL_APIS) {
    for (const version of versionsOf(api)) {
      const random = simulatedRandom(api.key * 100 + version);
      for (let round = 0; round < times; round++) {
        const message = randomMessage(fields(api), version, random) as Record<string, never>;
        try {
          run(api, version, message);
        } catch (error) {
          throw new Error(`${api.name} ${what} v${version}, round ${round}`, { cause: error });
        }
      }
    }
  }
}

describe('the declared APIs', () => {
  it('are the 62 that a 3.9 broker in ZooKeeper mode advertises, in order, with Produce from 0', () => {
    const keys = ALL_APIS.map(({ key }) => key);
    expect(keys).toEqual([...keys].sort((a, b) => a - b));
    expect(new Set(keys).size).toBe(62);
    expect(keys).not.toContain(52);
    expect(ALL_APIS[0]).toMatchObject({ name: 'Produce', minVersion: 0, maxVersion: 11 });
  });
});

it('no request is refused for the size of an int64, whichever field it is in', () => {
  const wild = ALL_APIS.map((api) => [api, unbounded(api)] as const);
  for (const [api, sent] of wild) {
    for (const version of versionsOf(api)) {
      const random = simulatedRandom(api.key * 100 + version);
      for (let round = 0; round < 5; round++) {
        const message = randomMessage(sent.request, version, random) as Record<string, never>;
        const request = decodeRequest(api, version, Buffer.concat(encodeRequest(sent, version, message)));
        // What came out of it can be written: every number is one that the rest of the code may count with.
        expect(() => encodeRequest(api, version, request)).not.toThrow();
      }
    }
  }
});

for (const direction of DIRECTIONS) {
  describe(`a ${direction.what} of any API and version`, () => {
    it('decodes to what was encoded, absent fields to their defaults', () => {
      forEachVersion(direction, 5, (api, version, message) => {
        const body = Buffer.concat(direction.encode(api, version, message));
        expect(direction.decode(api, version, body)).toEqual(message);
      });
    });

    it('is refused when it is cut off anywhere, and what follows it is passed over', () => {
      forEachVersion(direction, 1, (api, version, message) => {
        const body = Buffer.concat(direction.encode(api, version, message));
        const step = Math.max(1, Math.floor(body.length / 300));
        for (let length = 0; length < body.length; length += step) {
          expect(() => direction.decode(api, version, body.subarray(0, length))).toThrow(ProtocolError);
        }
        const longer = Buffer.concat([body, Buffer.from([1, 0, 0])]);
        expect(direction.decode(api, version, longer)).toEqual(message);
      });
    });

    it('decodes or is refused, never worse, when its bytes are damaged', () => {
      const random = simulatedRandom(7);
      forEachVersion(direction, 2, (api, version, message) => {
        const body = Buffer.concat(direction.encode(api, version, message));
        for (let round = 0; round < 20 && body.length > 0; round++) {
          const damaged = Buffer.from(body);
          for (let flips = random.int(3); flips >= 0; flips--) {
            damaged[random.int(damaged.length)] = random.int(3) === 0 ? 0xff : random.int(256);
          }
          try {
            direction.decode(api, version, damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      });
    });

    it('encodes its defaults in every version', () => {
      for (const api of ALL_APIS) {
        for (const version of versionsOf(api)) {
          const body = Buffer.concat(direction.encode(api, version, {}));
          const decoded = direction.decode(api, version, body) as Record<string, never>;
          expect(Buffer.concat(direction.encode(api, version, decoded))).toEqual(body);
        }
      }
    });
  });
}
