/** `odradek quotas`: all quotas at a glance, and a short way to change one. `odradek configs` does the same by Kafka's flags. */
import { type AdminClient, adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { print, printAll } from '../output.ts';
import { tableLines } from '../table.ts';
import { changeQuotas, clientQuotas, quotaNumber } from './client-quotas.ts';
import { changeOptions, changesOf } from './config-words.ts';
import { entitiesOf, quotaEntityOptions } from './entities.ts';

export const quotasCommand: CommandSpec = {
  name: 'quotas',
  summary: 'Shows and changes what users, clients and addresses are held to.',
  options: [
    ...clientOptions,
    { name: 'list', help: 'all quotas; with --user, --client or --ip those that name it' },
    { name: 'alter', help: 'set or delete quotas of a user, a client, a client of a user, or an address' },
    ...quotaEntityOptions,
    ...changeOptions,
    { ...jsonOption, with: ['list'] },
  ],
  notes:
    'Keys: producer_byte_rate, consumer_byte_rate (bytes a second of one broker), request_percentage,\ncontroller_mutation_rate; of addresses connection_creation_rate.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'quotas', ['list', 'alter']);
  const entities = entitiesOf(given);
  const changes = action === 'alter' ? changesOf(given) : null;
  if (changes !== null && entities.length === 0)
    throw new UsageError('--alter takes --user, --client or --ip');
  const admin = await adminClient(given);
  try {
    if (changes !== null) await changeQuotas(admin, entities, changes);
    else await list(admin, given);
    return 0;
  } finally {
    admin.close();
  }
}

async function list(admin: AdminClient, given: Arguments): Promise<void> {
  const quotas = await clientQuotas(admin, entitiesOf(given), false);
  const rows = quotas.map(({ entity, values }) => {
    const nameOf = (type: string): string | null => {
      const found = entity.find(({ entityType }) => entityType === type);
      return found === undefined ? null : (found.entityName ?? '<default>');
    };
    return { user: nameOf('user'), clientId: nameOf('client-id'), ip: nameOf('ip'), values };
  });
  if (given.flag('json')) {
    await print(JSON.stringify(rows.map((row) => ({ ...row, values: Object.fromEntries(row.values) }))));
    return;
  }
  const cells = rows.map(({ user, clientId, ip, values }) => [
    user,
    clientId,
    ip,
    Array.from(values, ([key, value]) => `${key}=${quotaNumber(value)}`).join(' '),
  ]);
  await printAll(tableLines(['USER', 'CLIENT-ID', 'IP', 'QUOTAS'], cells));
}
