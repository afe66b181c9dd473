/** Configs of this broker that Kafka does not have: what clients may make it do, or keep. */
import { int, long } from '../property.ts';
import { atLeast, between } from '../validators.ts';

export const LIMIT_CONFIGS = {
  'tls.handshake.timeout.ms': int(
    '10000',
    'read-only',
    'Time that a TLS handshake of a client may take.',
    atLeast(100),
  ),
  'tls.max.handshakes': int(
    '500',
    'read-only',
    'TLS handshakes of clients that may be under way at once, for each listener; beyond that the newest takes the place of the oldest.',
    atLeast(1),
  ),
  'socket.request.max.elements': int(
    '500000',
    'read-only',
    'Largest number of array elements in a request: small elements take far more memory than their bytes.',
    atLeast(1000),
  ),
  'authorizer.cache.max.resources': int(
    '500',
    'read-only',
    'Resources whose rights are remembered for each connection.',
    atLeast(1),
  ),
  'authorizer.log.max.lines.per.second': int(
    '100',
    'read-only',
    'Denied requests that are written to the log in a second; of the others only their number is.',
    atLeast(0),
  ),
  'client.quota.max.sensors': int(
    '10000',
    'read-only',
    'Most users and client ids whose use of a quota is remembered at once, for each kind of quota.',
    atLeast(10),
  ),
  'delegation.token.max.tokens': int(
    '10000',
    'read-only',
    'Delegation tokens that there may be before no more are made.',
    atLeast(1),
  ),
  'request.max.new.partitions': int(
    '10000',
    'read-only',
    'Largest number of partitions that one request may create.',
    atLeast(1),
  ),
  'compressed.batch.max.decompressed.bytes': long(
    '134217728',
    'read-only',
    'Most bytes that a compressed batch may decompress to.',
    atLeast(1048576),
  ),
  'compressed.batch.max.records': int(
    '1000000',
    'read-only',
    'Most records of a compressed batch.',
    atLeast(1),
  ),
  'request.max.decompressed.bytes': long(
    '268435456',
    'read-only',
    'Most bytes that the compressed batches of one Produce or ListOffsets request may decompress to together; each counts for 16 KiB at least.',
    atLeast(1048576),
  ),
  'request.max.decompressed.records': int(
    '2000000',
    'read-only',
    'Most records that are looked at in the compressed batches of one Produce request.',
    atLeast(1),
  ),
  'fetch.max.converted.bytes': int(
    '33554432',
    'read-only',
    'Bytes of records after which a fetch of an old client gets no further batch converted.',
    atLeast(1),
  ),
  'request.max.arrival.pause.ms': long(
    '60000',
    'read-only',
    'For how long nothing may come of a request that has begun to arrive; then its connection is closed.',
    atLeast(100),
  ),
  'queued.max.response.bytes': long(
    '134217728',
    'read-only',
    'Bytes of answers that clients have not read and that are kept in memory in large pieces; beyond that each connection holds 64 KiB. Records are read from the disk as their readers take them.',
    atLeast(1048576),
  ),
  'max.incremental.fetch.session.cache.partitions': int(
    '2000000',
    'read-only',
    'Most partitions that all fetch sessions together remember.',
    atLeast(0),
  ),
  'transaction.max.ids': int(
    '1000000',
    'read-only',
    'Transactional ids that this broker may coordinate before it refuses new ones.',
    atLeast(1),
  ),
  'transaction.completion.wait.ms': int(
    '50',
    'read-only',
    'How long a request of a transactional producer waits for the transaction before to be completed, and is answered CONCURRENT_TRANSACTIONS only then; 0: at once, as in Kafka. One request of an id waits at a time.',
    between(0, 1000),
  ),
  'queued.produce.max.bytes': long(
    '67108864',
    'read-only',
    'Bytes of Produce requests that wait for their records to be checked after which no further ones are started; one connection may have an eighth of it. As much again for other large requests, until they are read.',
    atLeast(1048576),
  ),
  'worker.threads': int(
    '2',
    'read-only',
    'Most threads that open, convert and compress what would hold up everybody else.',
    atLeast(1),
  ),
  'worker.idle.ms': long(
    '10000',
    'read-only',
    'A thread that has had nothing to do for so long ends.',
    atLeast(1),
  ),
};
