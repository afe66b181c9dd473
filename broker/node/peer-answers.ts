/**
 * What this broker answers its peers: the controller's orders, which are news of the cluster, and, while it
 * is the controller itself, the questions that go to the controller; and between the coordinators of
 * transactions and the leaders of their partitions, in both directions.
 */
import type { Controller } from '../controller/controller.ts';
import type { MarkerReceiver } from '../coordinators/marker-receiver.ts';
import type { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts';
import { ErrorCode } from '../errors.ts';
import type { VerifyTransactionsRequest, VerifyTransactionsResponse } from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import { MetadataPublisher, type PublisherParts } from './metadata-publisher.ts';
import { PushedFeed, type PushedFeedParts } from './pushed-feed.ts';

interface AnswerParts extends PublisherParts, PushedFeedParts {
  readonly fence: PublisherParts['fence'] & PushedFeedParts['fence'];
  readonly peers: Pick<Peers, 'handle' | 'forget'>;
  readonly controller: Pick<Controller, 'controlledShutdown' | 'alterPartition' | 'allocateProducerIds'>;
  readonly markers: Pick<MarkerReceiver, 'answer'>;
  readonly transactions: Pick<TransactionCoordinator, 'verifyPartitions'>;
}

/** Registers a handler for everything a peer may ask. */
export function answerPeers(parts: AnswerParts): void {
  const { peers, controller, markers, transactions } = parts;
  const publisher = new MetadataPublisher(parts);
  new PushedFeed(parts).start((delta) => publisher.publish(delta));
  peers.handle('ControlledShutdown', (request) => controller.controlledShutdown(request));
  peers.handle('AlterPartition', (request) => controller.alterPartition(request));
  peers.handle('AllocateProducerIds', (request) => controller.allocateProducerIds(request));
  peers.handle('WriteTxnMarkers', (request) => markers.answer(request.markers));
  peers.handle('VerifyTransactions', (request) => verify(request, transactions));
}

function verify(
  request: VerifyTransactionsRequest,
  coordinator: Pick<TransactionCoordinator, 'verifyPartitions'>,
): VerifyTransactionsResponse {
  const transactions = request.transactions.map(({ topics, ...claim }) => {
    const asked = topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    const errors = coordinator.verifyPartitions(claim, asked);
    const partitions = asked.map((one, index) => ({
      ...one,
      error: errors[index] ?? ErrorCode.UNKNOWN_SERVER_ERROR,
    }));
    return { transactionalId: claim.transactionalId, partitions };
  });
  return { error: ErrorCode.NONE, transactions };
}
