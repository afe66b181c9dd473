/**
 * UpdateFeatures (57), versions 0-1: finalises features, on the controller only. With ZooKeeper there are none to
 * finalise; what is there from elsewhere can be removed.
 * v0 says whether a level may fall; v1 which way it may go, and whether it is only asked.
 * Source: KafkaApis.handleUpdateFeatures.
 */
import { ErrorCode } from '../errors.ts';
import { errorText } from '../protocol/error-texts.ts';
import { UpdateFeatures } from '../protocol/messages/57-update-features.ts';
import type { ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

/** FeatureUpdate.UpgradeType: SAFE_DOWNGRADE and UNSAFE_DOWNGRADE. */
const DOWNGRADES: ReadonlySet<number> = new Set([2, 3]);

export const updateFeatures = defineHandler(UpdateFeatures, ['controller'], {
  async handle(request, context, { controller }) {
    if (!context.may(Operation.ALTER, CLUSTER)) return refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const updates = await context.turns.each(
      request.featureUpdates,
      ({ feature, maxVersionLevel, allowDowngrade, upgradeType }) => ({
        feature,
        maxVersionLevel,
        mayFall: context.apiVersion === 0 ? allowDowngrade : DOWNGRADES.has(upgradeType),
      }),
    );
    const answers = await controller.updateFeatures(updates, request.validateOnly);
    if (!answers.ok) return refused(answers.error);
    const results = await context.turns.each(answers.value, ({ feature, error, message }) => ({
      feature,
      errorCode: error,
      errorMessage: message,
    }));
    return { errorCode: ErrorCode.NONE, errorMessage: null, results };
  },
  refuse: (_request, errorCode) => refused(errorCode),
});

function refused(errorCode: ErrorCode): ResponseInput<typeof UpdateFeatures> {
  return { errorCode, errorMessage: errorText(errorCode) };
}
