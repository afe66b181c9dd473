/**
 * What a broker answers about its loggers: the same questions can be put to two brokers with the same id.
 * Only loggers that both have are named.
 */
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { DescribeConfigs } from '../../broker/protocol/messages/32-describe-configs.ts';
import { AlterConfigs } from '../../broker/protocol/messages/33-alter-configs.ts';
import { IncrementalAlterConfigs } from '../../broker/protocol/messages/44-incremental-alter-configs.ts';

const BROKER_LOGGER = 8;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];
const SHARED = [
  'kafka.controller.KafkaController',
  'kafka.log.LogManager',
  'kafka.server.KafkaServer',
  'root',
];

type Operation = readonly [name: string, configOperation: number, value: string | null];

/** Asks for everything that can go right or wrong; ends with the levels as they were, but root at INFO. */
export async function askAboutLoggers(broker: KafkaConnection): Promise<object> {
  const outcomes: object[] = [];
  const alter = async (resourceName: string, operations: readonly Operation[], validateOnly = false) => {
    const configs = operations.map(([name, configOperation, value]) => ({ name, configOperation, value }));
    const resources = [{ resourceType: BROKER_LOGGER, resourceName, configs }];
    const { responses } = await broker.request(IncrementalAlterConfigs, { resources, validateOnly });
    // Kafka tells which broker it is in both places.
    const errorMessage = responses[0]?.errorMessage?.replace(/(?<=but received )\d+/, '…') ?? null;
    outcomes.push({ operations, resourceName, ...responses[0], errorMessage });
  };
  await alter('1', [['root', SET, 'INFO']]);
  for (const name of SHARED.slice(0, 3)) await alter('1', [[name, DELETE, null]]);
  outcomes.push(await levels(broker));
  await alter('1', [
    ['kafka.log.LogManager', SET, 'DEBUG'],
    ['kafka.server.KafkaServer', SET, 'TRACE'],
  ]);
  outcomes.push(await levels(broker));
  await alter('1', [['root', SET, 'ERROR']], true);
  await alter('1', [['root', SET, 'WARN']]);
  outcomes.push(await levels(broker));
  await alter('1', [['kafka.log.LogManager', DELETE, null]]);
  await alter('1', [['root', DELETE, null]]);
  await alter('1', [
    ['root', SET, 'INFO'],
    ['kafka.no.such.Logger', SET, 'INFO'],
  ]);
  for (const value of ['LOUD', 'debug', ' INFO', '', null]) await alter('1', [['root', SET, value]]);
  await alter('1', [['kafka.no.such.Logger', DELETE, null]]);
  for (const operation of [APPEND, SUBTRACT]) await alter('1', [['root', operation as number, 'INFO']]);
  await alter('1', [
    ['root', SET, 'INFO'],
    ['root', SET, 'ERROR'],
  ]);
  for (const name of ['2', '', 'one', '01']) await alter(name, [['root', SET, 'INFO']]);
  outcomes.push(await levels(broker));
  await alter('1', [
    ['root', SET, 'INFO'],
    ['kafka.server.KafkaServer', DELETE, null],
  ]);
  const described = [];
  for (const name of ['', '2', 'one', '01']) described.push((await describe(broker, name, ['root'])).result);
  const configs = [{ name: 'root', value: 'INFO' }];
  const resources = [{ resourceType: BROKER_LOGGER, resourceName: '1', configs }];
  const { responses } = await broker.request(AlterConfigs, { resources, validateOnly: false });
  return { outcomes, described, replaced: responses, malformed: await alterOthers(broker) };
}

/** What no resource allows, or no resource is. */
async function alterOthers(broker: KafkaConnection): Promise<object[]> {
  const name = 'compression.type';
  const gzip: { name: string; value: string | null; configOperation: number } = {
    name,
    value: 'gzip',
    configOperation: SET as number,
  };
  const lists = [
    [{ ...gzip, value: null }],
    [gzip, { ...gzip, value: 'lz4' }],
    [{ ...gzip, configOperation: SUBTRACT as number }],
  ];
  const asked = [0, 16, 99].map((resourceType) => ({ resourceType, resourceName: '1', configs: [gzip] }));
  for (const configs of lists) {
    asked.push({ resourceType: 2, resourceName: 'none', configs });
    asked.push({ resourceType: 4, resourceName: '1', configs });
  }
  const answers = [];
  for (const resource of asked) {
    const resources = [resource];
    const incremental = await broker.request(IncrementalAlterConfigs, { resources, validateOnly: true });
    const whole = await broker.request(AlterConfigs, { resources, validateOnly: true });
    answers.push({ resource, incremental: incremental.responses, whole: whole.responses });
  }
  return answers;
}

async function levels(broker: KafkaConnection): Promise<object> {
  const { configs } = await describe(broker, '1', SHARED);
  return configs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function describe(broker: KafkaConnection, resourceName: string, configurationKeys: string[]) {
  const resources = [{ resourceType: BROKER_LOGGER, resourceName, configurationKeys }];
  const request = { resources, includeSynonyms: true, includeDocumentation: true };
  const { results } = await broker.request(DescribeConfigs, request);
  const { configs = [], ...result } = results[0] ?? {};
  return { configs: [...configs], result };
}
