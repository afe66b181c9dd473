/** Requests of transactional producers, and of those who look at transactions, by API key. */
import { IDLE, OPEN, type Sample } from './world.ts';

const PRODUCER = { transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };

const OFFSETS = [
  { name: 'plain', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: 'm' }] },
  { name: 'nobody', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: null }] },
];

/** By API key. */
export const TRANSACTION_SAMPLES: Readonly<Record<number, readonly Sample[]>> = {
  22: [
    { name: 'idempotent', request: () => ({ ...PRODUCER, transactionalId: null }) },
    {
      name: 'transactional',
      request: (_world, unique) => ({ ...PRODUCER, transactionalId: `joined-${unique}` }),
    },
    {
      name: 'that goes on',
      from: 3,
      request: ({ producers }) => ({
        transactionalId: OPEN,
        transactionTimeoutMs: 900_000,
        // Of another, so that nobody is fenced.
        producerId: producers.idle,
        producerEpoch: 0,
      }),
    },
  ],
  24: [
    {
      name: 'of a producer',
      to: 3,
      request: ({ producers }) => ({
        v3AndBelowTransactionalId: OPEN,
        v3AndBelowProducerId: producers.open,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [{ name: 'plain', partitions: [0] }],
      }),
    },
    {
      name: 'of a producer, in vain',
      to: 3,
      request: ({ producers }) => ({
        v3AndBelowTransactionalId: OPEN,
        v3AndBelowProducerId: producers.open,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [
          { name: 'plain', partitions: [0, 9] },
          { name: '__consumer_offsets', partitions: [0] },
          { name: 'nobody', partitions: [0] },
        ],
      }),
    },
    {
      name: 'of a broker that verifies',
      from: 4,
      request: ({ producers }) => ({
        transactions: [
          {
            transactionalId: OPEN,
            producerId: producers.open,
            producerEpoch: 0,
            verifyOnly: true,
            topics: [{ name: 'plain', partitions: [0, 1] }],
          },
          {
            transactionalId: IDLE,
            producerId: producers.idle,
            producerEpoch: 0,
            verifyOnly: true,
            topics: [{ name: 'plain', partitions: [0] }],
          },
        ],
      }),
    },
  ],
  25: [
    {
      name: 'of nobody',
      request: () => ({ transactionalId: 'no-id', producerId: 9, producerEpoch: 0, groupId: 'kept' }),
    },
    {
      name: 'of a fenced one',
      request: ({ producers }) => ({
        transactionalId: OPEN,
        producerId: producers.open,
        producerEpoch: 5,
        groupId: 'kept',
      }),
    },
  ],
  26: [
    {
      name: 'of nobody',
      request: () => ({ transactionalId: 'no-id', producerId: 9, producerEpoch: 0, committed: true }),
    },
    {
      name: 'without a transaction',
      request: ({ producers }) => ({
        transactionalId: IDLE,
        producerId: producers.idle,
        producerEpoch: 0,
        committed: true,
      }),
    },
    {
      name: 'of a fenced one',
      request: ({ producers }) => ({
        transactionalId: IDLE,
        producerId: producers.idle,
        producerEpoch: 5,
        committed: false,
      }),
    },
  ],
  27: [
    {
      name: 'of an administrator',
      request: () => ({
        markers: [
          {
            producerId: 123_456,
            producerEpoch: 1,
            transactionResult: false,
            coordinatorEpoch: 1,
            topics: [
              { name: 'plain', partitionIndexes: [0, 9] },
              { name: 'nobody', partitionIndexes: [0] },
            ],
          },
        ],
      }),
    },
  ],
  28: [
    {
      name: 'of nobody',
      request: () => ({
        transactionalId: 'no-id',
        groupId: 'kept',
        producerId: 9,
        producerEpoch: 0,
        topics: OFFSETS,
      }),
    },
    {
      name: 'of an open one, without the group',
      request: ({ producers }) => ({
        transactionalId: OPEN,
        groupId: 'kept',
        producerId: producers.open,
        producerEpoch: 0,
        topics: OFFSETS,
      }),
    },
    {
      name: 'of a fenced one',
      request: ({ producers }) => ({
        transactionalId: IDLE,
        groupId: 'kept',
        producerId: producers.idle,
        producerEpoch: 5,
        topics: OFFSETS,
      }),
    },
  ],
  65: [{ name: 'some', request: () => ({ transactionalIds: [OPEN, IDLE, 'no-id'] }) }],
  66: [
    { name: 'all', request: () => ({}) },
    {
      name: 'filtered',
      request: ({ producers }) => ({
        stateFilters: ['Ongoing', 'nonsense'],
        producerIdFilters: [producers.open, producers.idle],
      }),
    },
    { name: 'by duration', from: 1, request: () => ({ durationFilter: 0, stateFilters: ['Ongoing'] }) },
  ],
};
