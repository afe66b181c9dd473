/**
 * ApiVersions (18), versions 0-4: which APIs this broker serves, in which versions. The list is the
 * handler table itself, so that nothing is announced that is not served.
 * v3+ names the client's software, in a restricted alphabet, and is told the finalised features. A version we don't know is answered in
 * v0 (KIP-511), with the range of this API alone: the one request that never closes the connection.
 * Source: KafkaApis.handleApiVersionsRequest, ApiVersionsRequest.isValid.
 */
import { ErrorCode } from '../errors.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import type { AnyApi, ResponseInput } from '../protocol/schema.ts';
import { defineHandler, type Handler } from './handler.ts';

/** The handler that announces `served` and itself. */
export function apiVersionsHandler(served: readonly AnyApi[]): Handler<typeof ApiVersions, 'features'> {
  const apiKeys = [...served, ApiVersions].map(rangeOf).sort((a, b) => a.apiKey - b.apiKey);
  return defineHandler(ApiVersions, ['features'], {
    handle(request, context, { features }) {
      const named =
        isSoftwareName(request.clientSoftwareName) && isSoftwareName(request.clientSoftwareVersion);
      if (context.apiVersion >= 3 && !named) return { errorCode: ErrorCode.INVALID_REQUEST };
      const { epoch, levels } = features.current;
      const finalizedFeatures = [...levels].map(([name, level]) => ({
        name,
        maxVersionLevel: level,
        minVersionLevel: level,
      }));
      return { errorCode: ErrorCode.NONE, apiKeys, finalizedFeaturesEpoch: epoch, finalizedFeatures };
    },
    refuse: (_request, errorCode) => ({ errorCode }),
  });
}

/** The answer, in version 0, to a version of ApiVersions that this broker does not know; null: to any. */
export function unknownApiVersionsVersion(
  known: { readonly min: number; readonly max: number } | null,
): ResponseInput<typeof ApiVersions> {
  const own =
    known === null ? [] : [{ apiKey: ApiVersions.key, minVersion: known.min, maxVersion: known.max }];
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: own };
}

function rangeOf(api: AnyApi): { apiKey: number; minVersion: number; maxVersion: number } {
  return { apiKey: api.key, minVersion: api.minVersion, maxVersion: api.maxVersion };
}

function isSoftwareName(text: string): boolean {
  return /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/.test(text);
}
