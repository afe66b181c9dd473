/**
 * ApiVersions (key 18): what this broker speaks.
 * - 3+: name and version of the client software; supported and finalised features.
 * - The response has header version 0 in every version. A version that the broker does not know is
 * answered in the shape of version 0 with UNSUPPORTED_VERSION.
 */
import { api, array, bool, int16, int32, safeInt64, string } from '../schema.ts';

export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
  },
  response: {
    errorCode: int16('0+'),
    apiKeys: array('0+', { apiKey: int16('0+'), minVersion: int16('0+'), maxVersion: int16('0+') }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      '3+',
      { name: string('3+'), minVersion: int16('3+'), maxVersion: int16('3+') },
      { ignorable: true, tag: 0 },
    ),
    finalizedFeaturesEpoch: safeInt64('3+', { default: -1, ignorable: true, tag: 1 }),
    finalizedFeatures: array(
      '3+',
      { name: string('3+'), maxVersionLevel: int16('3+'), minVersionLevel: int16('3+') },
      { ignorable: true, tag: 2 },
    ),
    zkMigrationReady: bool('3+', { ignorable: true, tag: 3 }),
  },
});
