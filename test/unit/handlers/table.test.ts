/** The table: what is announced is what is served, and every handler can refuse in every version. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import type { FinalizedFeatures } from '../../../broker/metadata/feature-feed.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../broker/protocol/codec.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { context, services } from './support.ts';

/** Spoken between brokers only, over the peers' channels. */
const BETWEEN_BROKERS = [4, 5, 6, 7, 56, 67];

describe('the handler table', () => {
  it('ApiVersions announces exactly the APIs of the table, with the ranges of Kafka 3.9', async () => {
    const handler = HANDLERS.get(ApiVersions.key);
    const answer = await handler?.handle(
      { clientSoftwareName: 'a', clientSoftwareVersion: '1' },
      context(4),
      services(),
    );
    if (answer === undefined || answer === null || answer === 'close') throw new Error('no answer');
    const body = Buffer.concat(encodeResponse(ApiVersions, 4, answer));
    const { apiKeys } = decodeResponse(ApiVersions, 4, body);
    expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual([...HANDLERS.keys()].sort((a, b) => a - b));
    // Older librdkafka stops compressing when Produce v0 is not announced.
    expect(apiKeys[0]).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 11 });
  });

  it('ApiVersions tells the finalised features and their epoch', async () => {
    const request = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };
    const told = async (current: FinalizedFeatures) => {
      const answer = await HANDLERS.get(ApiVersions.key)?.handle(
        request,
        context(4),
        services({ features: { current } }),
      );
      if (answer === undefined || answer === null || answer === 'close') throw new Error('no answer');
      return decodeResponse(ApiVersions, 4, Buffer.concat(encodeResponse(ApiVersions, 4, answer)));
    };
    expect(await told({ epoch: 0, levels: new Map() })).toMatchObject({
      finalizedFeaturesEpoch: 0,
      finalizedFeatures: [],
    });
    expect(await told({ epoch: 4, levels: new Map([['some', 3]]) })).toMatchObject({
      finalizedFeaturesEpoch: 4,
      finalizedFeatures: [{ name: 'some', maxVersionLevel: 3, minVersionLevel: 3 }],
    });
  });

  it('holds nothing that only brokers say to each other', () => {
    expect(BETWEEN_BROKERS.filter((key) => HANDLERS.has(key))).toEqual([]);
  });

  const cases = [...HANDLERS.values()].flatMap((handler) => {
    const { name, minVersion, maxVersion } = handler.api;
    return Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => {
      const version = minVersion + index;
      return { title: `${name} v${version}`, handler, version };
    });
  });

  it.each(cases)(
    '$title: a refusal of an empty request is a well-formed response',
    async ({ handler, version }) => {
      const { api } = handler;
      const request = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, {})));
      const answer = await handler.refuse(request, ErrorCode.UNKNOWN_SERVER_ERROR, context(version));
      if (answer === 'close') {
        // Produce with acks=0, which is what an empty request says.
        expect(api.name).toBe('Produce');
        return;
      }
      if (answer === null) throw new Error('a refusal is a response');
      const body = Buffer.concat(encodeResponse(api, version, answer));
      expect(() => decodeResponse(api, version, body)).not.toThrow();
    },
  );
});
