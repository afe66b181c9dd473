/** Configs of this broker that Kafka does not have: what one request may make it do. */
import { int } from '../property.ts';
import { atLeast } from '../validators.ts';

export const LIMIT_CONFIGS = {
  'socket.request.max.elements': int(
    '500000',
    'read-only',
    'Largest number of array elements in a request: small elements take far more memory than their bytes.',
    atLeast(1000),
  ),
  'request.max.new.partitions': int(
    '10000',
    'read-only',
    'Largest number of partitions that one request may create.',
    atLeast(1),
  ),
};
