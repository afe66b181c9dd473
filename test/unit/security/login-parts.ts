/** What a listener judges its clients with, where nobody has SCRAM credentials and nobody issues tokens. */
import type { Clock } from '../../../broker/platform/clock.ts';
import { askHttp } from '../../../broker/platform/http-asker.ts';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import { IssuerKeySets } from '../../../broker/security/sasl/issuer-keys.ts';
import { javaStores } from '../../../broker/security/tls/java-stores.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { World } from '../../support/world.ts';

/** `clock`: of those who expire. */
export function loginParts(clock: Clock = new World().clock) {
  return {
    scram: { user: () => undefined, token: async () => undefined },
    random: systemRandom,
    disk: nodeDisk,
    javaStores,
    clock,
    diagnostics: recordingDiagnostics(() => {}),
    askHttp,
    keySets: new IssuerKeySets(),
  };
}
