/** The commands that administer a cluster, as people type them: what they change, and what they refuse. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '../../../coordinator-client/embedded/server.ts';
import { type KitCluster, startCluster } from '../../kit/cluster.ts';
import { endLines, ODRADEK, type Outcome, run } from './command-line.ts';

const directory = mkdtempSync(join(tmpdir(), 'odradek-administration-'));
let server: EmbeddedServer;
let cluster: KitCluster;

beforeAll(async () => {
  const anyPort = { host: '127.0.0.1', port: 0, tickMs: 100, log: () => {}, failed: () => {} };
  server = await startEmbeddedServer(anyPort);
  cluster = await startCluster({ zookeeper: `127.0.0.1:${server.port}` });
  await odradek('topics --create --topic t --replica-assignment 1:2,2:3');
  await run(`seq 1 20 | ${ODRADEK} produce --topic t --bootstrap-server ${cluster.bootstrapServers}`);
});

afterEach(endLines);

afterAll(async () => {
  await cluster.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function odradek(command: string): Promise<Outcome> {
  return run(`${ODRADEK} ${command} --bootstrap-server ${cluster.bootstrapServers}`);
}

function zk(words: string): Promise<Outcome> {
  return run(`${ODRADEK} zk ${words} --zookeeper 127.0.0.1:${server.port} < /dev/null`);
}

function file(name: string, content: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe('reassign', () => {
  it('moves a partition with a throttle, which --verify takes away', async () => {
    const plan = file('plan.json', {
      version: 1,
      partitions: [{ topic: 't', partition: 0, replicas: [3, 2] }],
    });
    const begun = await odradek(`reassign --execute --reassignment-json-file ${plan} --throttle 100000000`);
    expect(begun.out).toContain('{"topic":"t","partition":0,"replicas":[1,2],"log_dirs":["any","any"]}');
    expect(begun.out).toContain('The inter-broker throttle limit was set to 100000000 B/s');
    expect(begun.out).toContain('Successfully started partition reassignment for t-0\n');
    expect((await odradek('configs --describe --topic t')).out).toContain(
      'follower.replication.throttled.replicas=0:3 ',
    );
    for (;;) {
      const { out } = await odradek(`reassign --verify --reassignment-json-file ${plan}`);
      if (out.includes('still in progress')) continue;
      expect(out).toContain('Reassignment of partition t-0 is completed.');
      expect(out).toContain('Clearing topic-level throttles on topic t');
      break;
    }
    expect((await odradek('configs --describe --topic t')).out).toBe('Dynamic configs for topic t are:\n');
    expect((await odradek('configs --describe --broker 3')).out).toBe('Dynamic configs for broker 3 are:\n');
    expect((await odradek('reassign --list')).out).toBe('No partition reassignments found.\n');
  }, 120_000);

  it('refuses what is no plan', async () => {
    const plan = file('broken.json', { version: 1, partitions: [{ topic: 't', partition: 0 }] });
    const { status, err } = await odradek(`reassign --execute --reassignment-json-file ${plan}`);
    expect(err).toBe(
      `odradek reassign: --reassignment-json-file ${plan}: partitions[0] replicas must be an array; it is missing\n`,
    );
    expect(status).toBe(2);
  });
});

it('quotas are set, listed and described', async () => {
  const change = '--user u --client-defaults --add-config producer_byte_rate=1024';
  expect((await odradek(`quotas --alter ${change}`)).status).toBe(0);
  expect((await odradek('quotas --list')).out).toMatch(/\nu +<default> +- +producer_byte_rate=1024\.0\n$/);
  expect((await odradek('configs --describe --entity-type users --entity-type clients')).out).toBe(
    "Quota configs for user-principal 'u', the default client-id are producer_byte_rate=1024.0\n",
  );
  const refused = await odradek('quotas --alter --user u --add-config connection_creation_rate=1');
  expect([refused.status, refused.err]).toEqual([
    2,
    expect.stringContaining("not 'connection_creation_rate'"),
  ]);
});

it('records are deleted, and offsets tell', async () => {
  const wanted = file('records.json', { partitions: [{ topic: 't', partition: 1, offset: -1 }] });
  const { status, out } = await odradek(`delete-records --offset-json-file ${wanted}`);
  const [, low] = /partition: t-1\tlow_watermark: (\d+)\n/.exec(out) ?? [];
  expect(status).toBe(0);
  const earliest = await odradek('get-offsets --topic-partitions t:1 --time earliest');
  expect(earliest.out).toBe(`t:1:${low}\n`);
  expect((await odradek('get-offsets --topic t --partitions 1')).out).toBe(`t:1:${low}\n`);
  expect((await odradek('get-offsets --topic no')).err).toBe(
    'odradek get-offsets: no topic-partitions match\n',
  );
});

it('leaders are elected where they are not the preferred ones', async () => {
  const one = await odradek('elect-leaders --election-type preferred --topic t --partition 1');
  expect(one.out).toBe('Valid replica already elected for partitions t-1\n');
  const missing = await odradek('elect-leaders --election-type preferred --topic t --partition 7');
  expect([missing.status, missing.out]).toEqual([
    1,
    expect.stringContaining('t-7: UNKNOWN_TOPIC_OR_PARTITION'),
  ]);
  expect((await odradek('elect-leaders --election-type other --topic t --partition 1')).status).toBe(2);
});

it('directories and the id of the cluster are told', async () => {
  const { brokers } = JSON.parse((await odradek('log-dirs --describe --topic-list t --broker-list 2')).out);
  expect(brokers).toMatchObject([{ broker: 2, logDirs: [{ error: null }] }]);
  const names = brokers[0].logDirs[0].partitions.map(({ partition }: { partition: string }) => partition);
  expect(names.sort()).toEqual(['t-0', 't-1']);
  expect((await odradek('cluster-id')).out).toMatch(/^Cluster ID: [\w-]{22}\n$/);
});

it('offsets of a group are reset and deleted', async () => {
  const reset = 'groups --reset-offsets --group fresh --topic t:0';
  expect((await odradek(`${reset} --to-latest`)).out).toMatch(/\nfresh +t +0 +\d+\n$/);
  expect((await odradek('groups --list')).out).not.toContain('fresh');
  const { out } = await odradek(`${reset} --to-offset 2 --execute --export`);
  expect(out).toBe('t,0,2\n');
  expect((await odradek(`${reset} --shift-by -1`)).out).toMatch(/fresh +t +0 +1\n$/);
  expect((await odradek('groups --list --state empty')).out).toMatch(/^GROUP +STATE\n(.*\n)*fresh +Empty\n/);
  expect((await odradek('groups --delete-offsets --group fresh --topic t:0')).out).toMatch(
    /t +0 +Successful\n$/,
  );
}, 90_000);

it('transactions are listed, and what is not open is not ended', async () => {
  expect((await odradek('transactions list')).out).toMatch(/^TransactionalId +Coordinator/);
  const unknown = await odradek('transactions describe --transactional-id none');
  expect([unknown.status, unknown.err]).toEqual([1, expect.stringContaining('TRANSACTIONAL_ID_NOT_FOUND')]);
  expect((await odradek('transactions find-hanging --topic t --json')).out).toBe('[]\n');
  const none = await odradek('transactions abort --topic t --partition 0 --start-offset 1');
  expect(none.err).toContain('no transaction of partition t-0 began at offset 1');
  const ended = await odradek('transactions force-terminate --transactional-id mine');
  expect(ended.out).toContain("'mine' are ended");
  expect((await odradek('transactions list')).out).toMatch(/\nmine +\d +\d+ +Empty\n/);
  const wrong = await odradek('transactions list --topic t');
  expect([wrong.status, wrong.err]).toEqual([2, 'odradek transactions: --topic does not go with list\n']);
}, 90_000);

it('a transaction that is open is shown, aborted in its partition, and ended with its producer fenced', async () => {
  const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: 'open',
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 600_000,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: 't', messages: [{ partition: 0, value: 'a' }] });
  const of = '--topic t --partition 0';
  const described = JSON.parse((await odradek('transactions describe --transactional-id open --json')).out);
  expect(described).toMatchObject({ state: 'Ongoing', partitions: [{ topic: 't', partition: 0 }] });
  const producers = async () =>
    JSON.parse((await odradek(`transactions describe-producers ${of} --json`)).out);
  const own = async () => (await producers()).find((each: object) => isOf(each, described.producerId));
  const { currentTxnStartOffset } = await own();
  // Its coordinator knows of it: it may be old, but does not hang.
  expect((await odradek(`transactions find-hanging ${of} --max-transaction-timeout 0 --json`)).out).toBe(
    '[]\n',
  );
  const aborted = await odradek(`transactions abort ${of} --start-offset ${currentTxnStartOffset}`);
  expect(aborted).toEqual({ status: 0, out: '', err: '' });
  expect((await own()).currentTxnStartOffset).toBe(-1);
  expect((await odradek('transactions force-terminate --transactional-id open')).status).toBe(0);
  await expect(transaction.commit()).rejects.toThrow('old epoch');
  await producer.disconnect();
}, 90_000);

function isOf(producer: object, producerId: number): boolean {
  return 'producerId' in producer && producer.producerId === producerId;
}

it("nodes are created, set and deleted, Kafka's own only with --yes", async () => {
  expect((await zk('create /mine one')).out).toBe('Created /mine\n');
  expect((await zk('set /mine two --version 7')).err).toBe(
    'odradek zk: /mine: it has another version by now\n',
  );
  await zk('set /mine two --version 0');
  expect((await zk('get /mine')).out).toBe('two\n');
  await zk('create /mine/below');
  expect((await zk('delete /mine')).err).toContain('there are nodes below it');
  expect((await zk('delete /mine --recursive')).status).toBe(0);
  expect((await zk('ls /mine')).err).toContain('there is no node /mine');
  const refused = await zk('set /config/topics/t {}');
  expect(refused).toEqual({
    status: 2,
    out: '',
    err: "odradek zk: set /config/topics/t: this is Kafka's own node, and nobody is there to be asked; --yes does it\n",
  });
  expect((await zk('create /config/topics/own {} --yes')).status).toBe(0);
}, 90_000);
