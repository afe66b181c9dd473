/**
 * IncrementalAlterConfigs (44), versions 0-1: sets, deletes, appends to and subtracts from single configs of a
 * topic, of this broker or of all brokers. Each resource changes as a whole or not at all.
 * Source: KafkaApis.handleIncrementalAlterConfigsRequest, ConfigAdminManager.
 */
import { ErrorCode } from '../protocol/errors.ts';
import { IncrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { alterResource, repeatedResources } from './config-changes.ts';
import { incrementally } from './config-operations.ts';
import { describeResource, refusal } from './config-resources.ts';
import type { Handler } from './handler.ts';

export const incrementalAlterConfigs: Handler<typeof IncrementalAlterConfigs> = {
  api: IncrementalAlterConfigs,
  async handle(request, context, services) {
    const repeated = repeatedResources(request.resources);
    const responses = await Promise.all(
      request.resources.map(async (resource) => {
        const { resourceType, resourceName } = resource;
        const outcome = repeated.has(describeResource(resource))
          ? refusal(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
          : await alterResource(resource, incrementally(resource.configs), request.validateOnly, {
              context,
              services,
            });
        return { ...outcome, resourceType, resourceName };
      }),
    );
    return { responses };
  },
  refuse,
};

function refuse(
  request: RequestOf<typeof IncrementalAlterConfigs>,
  errorCode: number,
): ResponseInput<typeof IncrementalAlterConfigs> {
  return {
    responses: request.resources.map(({ resourceType, resourceName }) => ({
      ...refusal(errorCode),
      resourceType,
      resourceName,
    })),
  };
}
