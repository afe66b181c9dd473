/** Passwords among the configs of a broker: refused, or encrypted. */

import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { describeConfigs } from '../../../broker/handlers/32-describe-configs.ts';
import { incrementalAlterConfigs } from '../../../broker/handlers/44-incremental-alter-configs.ts';
import { passwordEncoder } from '../../../broker/security/password-encoder.ts';
import { ask } from './ask.ts';

const BROKER = 4;
const SET = 0;

/** Stored overrides by `type/name`; `stored` shows what was written. */
function storeOf() {
  const stored = new Map<string, Map<string, string>>();
  const read = (type: string, name: string) => stored.get(`${type}/${name}`) ?? new Map<string, string>();
  const configs = {
    read: async (type: string, name: string) => read(type, name),
    readMany: async (type: string, names: string[]) => names.map((name) => read(type, name)),
    update: async (type: string, name: string, change: (old: Map<string, string>) => Map<string, string>) => {
      stored.set(`${type}/${name}`, change(read(type, name)));
    },
  };
  return { store: () => ({ configs }), stored: (key: string) => Object.fromEntries(stored.get(key) ?? []) };
}

describe('a password that is set for a broker', () => {
  const JAAS = 'listener.name.internal.plain.sasl.jaas.config';
  const request = (value: string) => ({
    resources: [
      { resourceType: BROKER, resourceName: '1', configs: [{ name: JAAS, configOperation: SET, value }] },
    ],
  });

  it('is refused without a secret to encrypt it with, as Kafka does', async () => {
    const stored = storeOf();
    const { response } = await ask(incrementalAlterConfigs, 1, request('x'), stored);
    expect(response.responses).toMatchObject([
      {
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage:
          "Invalid config value for resource ConfigResource(type=BROKER, name='1'): Password encoder secret not configured",
      },
    ]);
    expect(stored.stored('brokers/1')).toEqual({});
  });

  it('lies in ZooKeeper encrypted, stays as it lies while others change, and is told to nobody', async () => {
    const stored = storeOf();
    const config = brokerConfig(
      new Map([
        ['zookeeper.connect', 'localhost:2181'],
        ['broker.id', '1'],
        ['password.encoder.secret', 'the secret'],
      ]),
    );
    const services = { ...stored, config };
    await ask(incrementalAlterConfigs, 1, request('x'), services);
    const lies = stored.stored('brokers/1')[JAAS] ?? '';
    expect(passwordEncoder('the secret', config)?.decode(lies)).toBe('x');
    const other = { name: 'message.max.bytes', configOperation: SET, value: '77' };
    const more = { resources: [{ resourceType: BROKER, resourceName: '1', configs: [other] }] };
    await ask(incrementalAlterConfigs, 1, more, services);
    expect(stored.stored('brokers/1')).toEqual({ [JAAS]: lies, 'message.max.bytes': '77' });
    const described = await ask(
      describeConfigs,
      4,
      { resources: [{ resourceType: BROKER, resourceName: '1', configurationKeys: [JAAS] }] },
      services,
    );
    expect(described.response.results[0]?.configs).toMatchObject([
      { name: JAAS, value: null, isSensitive: true },
    ]);
  });
});
