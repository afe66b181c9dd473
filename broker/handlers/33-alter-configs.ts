/**
 * AlterConfigs (33), versions 0-2: replaces all overrides of a topic, of this broker or of all brokers. Any
 * broker of a ZooKeeper cluster does it for topics; a broker's own configs go to that broker.
 * Clients that know IncrementalAlterConfigs prefer it: here, what is not named is reset.
 * Source: KafkaApis.handleAlterConfigsRequest, ConfigAdminManager.
 */
import { ErrorCode } from '../protocol/errors.ts';
import { AlterConfigs } from '../protocol/messages/33-alter-configs.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { alterResource, repeatedResources } from './config-changes.ts';
import { replacing } from './config-operations.ts';
import { describeResource, refusal } from './config-resources.ts';
import type { Handler } from './handler.ts';

export const alterConfigs: Handler<typeof AlterConfigs> = {
  api: AlterConfigs,
  async handle(request, context, services) {
    const repeated = repeatedResources(request.resources);
    const responses = await Promise.all(
      request.resources.map(async (resource) => {
        const { resourceType, resourceName } = resource;
        const outcome = repeated.has(describeResource(resource))
          ? refusal(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
          : await alterResource(resource, replacing(resource.configs), request.validateOnly, {
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
  request: RequestOf<typeof AlterConfigs>,
  errorCode: number,
): ResponseInput<typeof AlterConfigs> {
  return {
    responses: request.resources.map(({ resourceType, resourceName }) => ({
      ...refusal(errorCode),
      resourceType,
      resourceName,
    })),
  };
}
