/** Configs of this broker that Kafka does not have: faults on demand, for tests and drills (faults/). */
import { boolean, int, long } from '../property.ts';
import { atLeast, between } from '../validators.ts';

export const FAULT_CONFIGS = {
  'fault.api.enable': boolean(
    'false',
    'read-only',
    'Lets faults be asked for over HTTP, at /faults of the peer endpoint: for tests and drills, never where data matters.',
  ),
  'fault.api.loopback.only': boolean(
    'true',
    'read-only',
    'Faults may be asked for from this machine only. Whoever else can reach the endpoint could kill the broker.',
  ),
  'fault.api.max.ms': long(
    '600000',
    'read-only',
    'How long a fault may last; one that does not say how long lasts so long.',
    between(1, 2 ** 31 - 1),
  ),
  'fault.api.max.faults': int(
    '100',
    'read-only',
    'Faults that may be in place at once, and connections that hold some.',
    atLeast(1),
  ),
};
