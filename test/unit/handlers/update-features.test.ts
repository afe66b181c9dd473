/** UpdateFeatures: who may ask, what is asked of the controller, what its answers become. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, failure, success } from '../../../broker/errors.ts';
import { updateFeatures } from '../../../broker/handlers/57-update-features.ts';
import { ask } from './ask.ts';
import { denying } from './support.ts';

const REQUEST = { featureUpdates: [{ feature: 'f', maxVersionLevel: 0 }] };

function controllerThat(answer: unknown) {
  const asked: unknown[] = [];
  const controller = {
    updateFeatures: (...question: unknown[]) => {
      asked.push(question);
      return Promise.resolve(answer);
    },
  };
  return { asked, given: { controller: controller as never } };
}

describe('UpdateFeatures', () => {
  it.each([
    [0, { allowDowngrade: true }, true],
    [0, { allowDowngrade: false }, false],
    [1, { upgradeType: 1 }, false],
    [1, { upgradeType: 2 }, true],
    [1, { upgradeType: 3 }, true],
  ])('v%i with %o: a level may fall: %s', async (version, how, mayFall) => {
    const { asked, given } = controllerThat(success([]));
    const featureUpdates = [{ feature: 'f', maxVersionLevel: 0, ...how }];
    await ask(
      updateFeatures,
      version,
      { featureUpdates, ...(version === 0 ? {} : { validateOnly: true }) },
      given,
    );
    expect(asked).toEqual([[[{ feature: 'f', maxVersionLevel: 0, mayFall }], version === 1]]);
  });

  it.each([0, 1])('v%i: tells what became of each feature', async (version) => {
    const answer = { feature: 'f', error: ErrorCode.INVALID_REQUEST, message: 'why' };
    const { given } = controllerThat(success([answer]));
    const { response } = await ask(updateFeatures, version, REQUEST, given);
    expect(response.results).toEqual([
      { feature: 'f', errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'why' },
    ]);
  });

  it('is refused by who is not the controller', async () => {
    const { given } = controllerThat(failure(ErrorCode.NOT_CONTROLLER));
    const { response } = await ask(updateFeatures, 1, REQUEST, given);
    expect(response).toMatchObject({ errorCode: ErrorCode.NOT_CONTROLLER, results: [] });
  });

  it('is for those who may alter the cluster', async () => {
    const { asked, given } = controllerThat(success([]));
    const { response } = await ask(updateFeatures, 1, REQUEST, { ...given, may: denying('cluster') });
    expect(response.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    expect(asked).toEqual([]);
  });
});
