/**
 * Every API is judged by rights, or has a reason why it is not: which, and with which errors, Apache Kafka says
 * (`test/interop/differential/needed-rights.ts`); what that table can't hold stands here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { NEEDED_RIGHTS } from '../../interop/differential/needed-rights.ts';

const FOLDER = join(import.meta.dirname, '../../../broker/handlers');

/** Whoever is connected may ask these, as with Kafka. */
const FOR_EVERYBODY: Readonly<Record<string, string>> = {
  ApiVersions: 'what is spoken has to be known before anybody logs in',
  SaslHandshake: 'the beginning of a login',
  SaslAuthenticate: 'a login',
  RenewDelegationToken: 'its owner and its renewers, who prove it by the secret of the token',
  ExpireDelegationToken: 'its owner and its renewers, who prove it by the secret of the token',
};
/** Judged by rights of which none alone is needed, or where nothing is refused but left out. */
const OTHERWISE: Readonly<Record<string, string>> = {
  ListGroups: 'DESCRIBE of the cluster shows all groups, that of a group it alone',
  ListTransactions: 'DESCRIBE of a transactional id shows it',
  DescribeCluster: 'DESCRIBE of the cluster tells what may be done with it',
  OffsetForLeaderEpoch: 'CLUSTER_ACTION, or else DESCRIBE of the topic',
  WriteTxnMarkers: 'CLUSTER_ACTION or ALTER of the cluster',
  CreateDelegationToken: 'CREATE_TOKENS of another user; never over a listener without security',
  DescribeDelegationToken: 'DESCRIBE of the token or DESCRIBE_TOKENS of its owner shows it',
};

const APIS = [...HANDLERS.values()].map(({ api }) => api.name);

it('every API needs a right of the table, or stands here with a reason, and not in two places', () => {
  const places = [NEEDED_RIGHTS, FOR_EVERYBODY, OTHERWISE].map((place) => Object.keys(place));
  expect(places.flat().sort()).toEqual([...APIS].sort());
});

it('every handler asks what the sender may do, but for those that are for everybody', () => {
  const asks = /\b(?:may|couldDo|mayForSome)\(|[{,] *(?:may|couldDo|mayForSome) *[,}]/;
  const silent = [...HANDLERS.values()]
    .filter(({ api }) => !asks.test(sourceOf(api.key)))
    .map(({ api }) => api.name);
  expect(silent.sort()).toEqual(Object.keys(FOR_EVERYBODY).sort());
});

/** With what it takes from `shared/`, where some of them ask. */
function sourceOf(key: number): string {
  const number = `${String(key).padStart(2, '0')}-`;
  const file = readdirSync(FOLDER).find((name) => name.startsWith(number)) ?? '';
  const source = readFileSync(join(FOLDER, file), 'utf8');
  const shared = [...source.matchAll(/from '\.\/(shared\/[^']+)'/g)].map(([, name = '']) =>
    readFileSync(join(FOLDER, name), 'utf8'),
  );
  return [source, ...shared].join('\n');
}
