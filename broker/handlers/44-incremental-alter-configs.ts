/**
 * IncrementalAlterConfigs (44), versions 0-1: sets, deletes, appends to and subtracts from single configs of a
 * topic, of this broker or of all brokers. Each resource changes as a whole or not at all.
 * Source: KafkaApis.handleIncrementalAlterConfigsRequest, ConfigAdminManager.
 */
import { IncrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.ts';
import { alterResources, refuseResources } from './config-changes.ts';
import { incrementally } from './config-operations.ts';
import type { Handler } from './handler.ts';

export const incrementalAlterConfigs: Handler<typeof IncrementalAlterConfigs> = {
  api: IncrementalAlterConfigs,
  async handle(request, context, services) {
    const changeOf = ({ configs }: (typeof request.resources)[number]) => incrementally(configs);
    return { responses: await alterResources(request, changeOf, { context, services, how: 'single' }) };
  },
  refuse: (request, errorCode) => ({ responses: refuseResources(request.resources, errorCode) }),
};
