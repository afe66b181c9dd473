/**
 * Which versions a broker owns up to: all that it has, unless an interference has it speak as an older one.
 * What it does not own up to is refused as if it were not there, and ApiVersions does not name it.
 */
import type { RequestHeader } from '../protocol/header.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import type { AnyApi, ResponseInput } from '../protocol/schema.ts';
import type { Interference, SpokenApi, SpokenVersions } from './interference.ts';

/** Whether the broker takes a request of this version; asked of every one, so nothing is made for the answer. */
export function isSpoken(
  api: AnyApi,
  { apiVersion, clientId }: RequestHeader,
  interference: Interference | null,
): boolean {
  if (interference === null) return apiVersion >= api.minVersion && apiVersion <= api.maxVersion;
  const spoken = interference.versionsOf(api, clientId);
  return spoken !== null && apiVersion >= spoken.min && apiVersion <= spoken.max;
}

/** Of one API, towards a client; null when the broker denies it. */
export function versionsOf(
  api: SpokenApi,
  clientId: string | null,
  interference: Interference | null,
): SpokenVersions | null {
  if (interference !== null) return interference.versionsOf(api, clientId);
  return { min: api.minVersion, max: api.maxVersion };
}

/** Which versions there are is answered as the interference has it. */
export function spokenAnswer<A extends AnyApi>(
  api: A,
  answer: ResponseInput<A>,
  spoken: (api: SpokenApi) => SpokenVersions | null,
): ResponseInput<A> {
  if (api.key !== ApiVersions.key) return answer;
  const { apiKeys = [] } = answer as ResponseInput<typeof ApiVersions>;
  const ranges = apiKeys.flatMap(({ apiKey = 0, minVersion = 0, maxVersion = 0 }) => {
    const range = spoken({ key: apiKey, minVersion, maxVersion });
    return range === null ? [] : [{ apiKey, minVersion: range.min, maxVersion: range.max }];
  });
  return { ...answer, apiKeys: ranges };
}
