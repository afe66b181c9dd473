/**
 * What this broker answers its peers: the controller's orders, which are news of the cluster, and, while it
 * is the controller itself, the questions that go to the controller.
 */
import type { Controller } from '../controller/controller.ts';
import type { Peers } from '../peers/peers.contract.ts';
import { MetadataPublisher, type PublisherParts } from './metadata-publisher.ts';
import { PushedFeed, type PushedFeedParts } from './pushed-feed.ts';

interface AnswerParts extends PublisherParts, PushedFeedParts {
  readonly fence: PublisherParts['fence'] & PushedFeedParts['fence'];
  readonly peers: Pick<Peers, 'handle' | 'forget'>;
  readonly controller: Pick<Controller, 'controlledShutdown' | 'alterPartition' | 'allocateProducerIds'>;
}

/** Registers a handler for everything a peer may ask. */
export function answerPeers(parts: AnswerParts): void {
  const { peers, controller } = parts;
  const publisher = new MetadataPublisher(parts);
  new PushedFeed(parts).start((delta) => publisher.publish(delta));
  peers.handle('ControlledShutdown', (request) => controller.controlledShutdown(request));
  peers.handle('AlterPartition', (request) => controller.alterPartition(request));
  peers.handle('AllocateProducerIds', (request) => controller.allocateProducerIds(request));
}
