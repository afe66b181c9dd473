/**
 * Controlled shutdown: before a broker goes, the controller moves every leadership it can to others, so
 * that no client waits for a session to expire. Source: KafkaServer.controlledShutdown (KIP-380).
 */
import type { FixedConfig } from '../config/broker-config.ts';
import { ErrorCode } from '../errors.ts';
import type { ControllerFence } from '../metadata/controller-fence.ts';
import { sleep } from '../platform/clock.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Platform } from '../platform/platform.ts';
import type { ControllerLink } from './controller-link.ts';

/**
 * `causeId`: the event of the shutdown. Asks the controller, a configured number of times, until nothing is left to move or nobody is left to
 * take over. Never rejects.
 */
export async function moveLeadersAway(
  broker: { readonly config: FixedConfig; readonly link: ControllerLink; readonly fence: ControllerFence },
  { clock, diagnostics, journal }: Pick<Platform, 'clock' | 'diagnostics' | 'journal'>,
  causeId: EventId,
): Promise<void> {
  const { config, link, fence } = broker;
  if (!config.controlledShutdownEnable) return;
  for (let attempt = 1; attempt <= config.controlledShutdownMaxRetries; attempt++) {
    const request = {
      type: 'ControlledShutdown',
      brokerId: config.brokerId,
      brokerEpoch: fence.brokerEpoch,
      causeId,
    } as const;
    try {
      const { error, remainingPartitions } = await link.ask(request);
      if (error === ErrorCode.NONE && remainingPartitions.length === 0) return;
      journal.record({ kind: 'leaders-remain', partitions: remainingPartitions.length, error }, causeId);
      // Nobody is left to take over: trying again changes nothing.
      if (error === ErrorCode.NONE && attempt > 1) break;
    } catch (error) {
      diagnostics.info('Controlled shutdown: the controller did not answer', error);
    }
    if (attempt < config.controlledShutdownMaxRetries)
      await sleep(clock, config.controlledShutdownRetryBackoffMs);
  }
  journal.record({ kind: 'shutdown-unclean' }, causeId);
}
