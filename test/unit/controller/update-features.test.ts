/** Finalised features: none can be had, and what another version has left can be removed. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { featureZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

async function withFeatures(levels: ReadonlyMap<string, number>) {
  cluster = new TestCluster();
  const data = featureZnode.encode({ enabled: true, levels });
  cluster.tree.commit([{ op: 'create', path: featureZnode.path, data, lifetime: 'persistent' }], 0n, 0);
  const [one, two] = await cluster.startAll(1, 2);
  const stored = () =>
    featureZnode.decode(cluster.tree.read(featureZnode.path)?.data ?? Buffer.alloc(0)).levels;
  return { one, two, stored };
}
const removal = (feature: string, mayFall = true) => ({ feature, maxVersionLevel: 0, mayFall });

describe('features', () => {
  it('that are finalised are removed, the others stay', async () => {
    const { one, stored } = await withFeatures(
      new Map([
        ['old', 1],
        ['other', 2],
      ]),
    );
    const answers = await one?.controller.updateFeatures(
      [removal('old', false), removal('unknown'), removal('old')],
      false,
    );
    expect(answers).toMatchObject({
      value: [
        { feature: 'old', error: ErrorCode.NONE },
        { feature: 'unknown', error: ErrorCode.INVALID_REQUEST },
      ],
    });
    expect(stored()).toEqual(new Map([['other', 2]]));
  });

  it('stay when it is only asked whether they can be removed', async () => {
    const { one, stored } = await withFeatures(new Map([['old', 1]]));
    const answers = await one?.controller.updateFeatures([removal('old')], true);
    expect(answers).toMatchObject({ value: [{ feature: 'old', error: ErrorCode.NONE }] });
    expect(stored()).toEqual(new Map([['old', 1]]));
  });

  it.each([
    ['without a name', removal('')],
    ['that must not fall', removal('old', false)],
    ['that is raised', { feature: 'old', maxVersionLevel: 2, mayFall: false }],
    ['that nobody supports', { feature: 'metadata.version', maxVersionLevel: 1, mayFall: true }],
  ])('%s: the update is refused', async (_what, update) => {
    const { one, stored } = await withFeatures(new Map([['old', 1]]));
    const answers = await one?.controller.updateFeatures([update], false);
    expect(answers).toMatchObject({ value: [{ error: ErrorCode.INVALID_REQUEST }] });
    expect(stored()).toEqual(new Map([['old', 1]]));
  });

  it('are the business of the controller', async () => {
    const { two } = await withFeatures(new Map());
    expect(await two?.controller.updateFeatures([removal('old')], false)).toMatchObject({
      error: ErrorCode.NOT_CONTROLLER,
    });
  });
});
