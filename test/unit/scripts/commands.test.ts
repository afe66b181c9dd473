/** The commands for topics, groups and records: what they do, and that they say why when they can't. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type KitCluster, startCluster } from '../../kit/cluster.ts';
import { endLines, ODRADEK, type Outcome, run } from './command-line.ts';

let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster({ properties: { 'auto.create.topics.enable': 'false' } });
});

afterEach(endLines);

afterAll(() => cluster.close());

function odradek(command: string): Promise<Outcome> {
  return run(`${ODRADEK} ${command} --bootstrap-server ${cluster.bootstrapServers}`);
}

function produce(lines: string, options: string): Promise<Outcome> {
  const input = `printf '${lines}' |`;
  return run(
    `${input} ${ODRADEK} produce ${options} --bootstrap-server ${cluster.bootstrapServers}; exit \${PIPESTATUS[1]}`,
  );
}

/** All records of a topic, in JSON. */
async function recordsOf(topic: string, count: number): Promise<object[]> {
  const { out } = await odradek(`consume --topic ${topic} --from-beginning --max-messages ${count} --json`);
  const lines = out.trim().split('\n');
  return lines.map((line) => {
    const { key, value, headers } = JSON.parse(line);
    return { key, value, headers };
  });
}

describe('topics', () => {
  it('are created, listed, described, grown and deleted', async () => {
    expect((await odradek('topics --create --topic t --partitions 2 --replication-factor 3')).out).toBe(
      'Created topic t.\n',
    );
    expect((await odradek('topics --alter --topic t --partitions 3')).status).toBe(0);
    const [described] = JSON.parse((await odradek('topics --describe --topic t --json')).out);
    expect(described).toMatchObject({ name: 't', partitions: [{ partitionId: 0 }, {}, { partitionId: 2 }] });
    expect((await odradek('topics --describe --topic t')).out).toContain(
      '\tPartitionCount: 3\tReplicationFactor: 3\tConfigs: ',
    );
    expect((await odradek('topics --list')).out).toBe('t\n');
    expect((await odradek('topics --delete --topic t')).status).toBe(0);
    expect((await odradek('topics --list')).out).toBe('');
  });

  it.each([
    [
      '--create --topic wide --partitions 1 --replication-factor 9',
      /^odradek topics: topic wide: INVALID_REPLICATION_FACTOR: .*9.*\n$/,
    ],
    ['--create --topic bad/name', /^odradek topics: topic bad\/name: INVALID_TOPIC_EXCEPTION: .+\n$/],
    ['--create --topic c --config no.such=1', /topic c: INVALID_CONFIG: .*no\.such/],
    ['--delete --topic none', /^odradek topics: topic none: UNKNOWN_TOPIC_OR_PARTITION: .+\n$/],
    ['--describe --topic none', /^odradek topics: topic none: UNKNOWN_TOPIC_OR_PARTITION: .+\n$/],
    ['--alter --topic none --partitions 3', /^odradek topics: topic none: UNKNOWN_TOPIC_OR_PARTITION: .+\n$/],
  ])('say why they cannot: %s', async (words, reason) => {
    const { status, err } = await odradek(`topics ${words}`);
    expect(err).toMatch(reason);
    expect(status).toBe(1);
  });

  it('that are several fail one by one, and those that can be made are', async () => {
    await odradek('topics --create --topic one');
    const { status, out, err } = await odradek('topics --create --topic one --topic two');
    expect([status, out]).toEqual([1, 'Created topic two.\n']);
    expect(err).toMatch(/^odradek topics: topic one: TOPIC_ALREADY_EXISTS: .+\n$/);
    expect((await odradek('topics --create --topic one --if-not-exists')).status).toBe(0);
    expect((await odradek('topics --delete --topic none --if-exists')).status).toBe(0);
  });
});

describe('configs', () => {
  it('of a topic are set, shown and taken back', async () => {
    await odradek('topics --create --topic configured --partitions 1 --replication-factor 1');
    const change = "--add-config 'retention.ms=60000,cleanup.policy=[compact,delete]'";
    const set = await odradek(`configs --alter --entity-type topics --entity-name configured ${change}`);
    expect(set).toEqual({ status: 0, out: 'Completed updating config for topic configured.\n', err: '' });
    expect((await odradek('configs --describe --topic configured')).out.split('\n')).toEqual([
      'Dynamic configs for topic configured are:',
      expect.stringContaining(
        '  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:',
      ),
      expect.stringContaining('  retention.ms=60000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:'),
      '',
    ]);
    await odradek('configs --alter --topic configured --delete-config cleanup.policy,retention.ms');
    expect((await odradek('configs --describe --topic configured')).out).toBe(
      'Dynamic configs for topic configured are:\n',
    );
    expect((await odradek('configs --describe --all --topic configured')).out).toContain(
      '  cleanup.policy=delete ',
    );
    await odradek('topics --delete --topic configured');
  });

  it('of one broker and of all are set and shown each by itself', async () => {
    const change = '--alter --add-config message.max.bytes';
    await odradek(`configs ${change}=2000000 --entity-type brokers --entity-name 2`);
    const all = await odradek(`configs ${change}=3000000 --entity-type brokers --entity-default`);
    expect(all.out).toBe('Completed updating default config for brokers in the cluster.\n');
    expect((await odradek('configs --describe --broker 2')).out).toContain('  message.max.bytes=2000000 ');
    expect((await odradek('configs --describe --broker-defaults')).out).toContain(
      '  message.max.bytes=3000000 ',
    );
    await odradek('configs --alter --broker 2 --delete-config message.max.bytes');
    expect((await odradek('configs --describe --broker 2')).out).toBe('Dynamic configs for broker 2 are:\n');
    await odradek('configs --alter --broker-defaults --delete-config message.max.bytes');
  });

  it.each([
    ['--describe', 2, /configs takes --entity-type/],
    [
      '--describe --entity-type groups --entity-name g',
      2,
      /--entity-type takes topics, brokers, broker-loggers, users, clients, ips, not 'groups'/,
    ],
    ['--describe --alter --topic t', 2, /exactly one of --describe, --alter/],
    ['--alter --topic t', 2, /--alter takes --add-config, --add-config-file or --delete-config/],
    ['--alter --topic t --add-config nonsense', 2, /--add-config takes KEY=VALUE,…, not 'nonsense'/],
    ['--describe --broker one', 2, /a broker's name is its id, an integer, not 'one'/],
    ['--describe --topic none', 1, /topic none: UNKNOWN_TOPIC_OR_PARTITION/],
    ['--list --topic t', 2, /Unknown option '--list'/],
  ])('that cannot be: %s', async (words, status, reason) => {
    const outcome = await odradek(`configs ${words}`);
    expect(outcome.err).toMatch(reason);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
    expect(outcome.status).toBe(status);
  });
});

describe('api-versions', () => {
  it('shows each broker with the requests that it takes', async () => {
    const { out } = await odradek('api-versions');
    expect(out.match(/^127\.0\.0\.1:\d+ \(id: [123] rack: null\) -> \($/gm)).toHaveLength(3);
    expect(out).toContain('\tProduce(0): 0 to 11 [usable: 11],\n\tFetch(1): ');
  });
});

describe('groups', () => {
  it('are listed, described and deleted, and say why they cannot be', async () => {
    await odradek('topics --create --topic grouped --partitions 1');
    await produce('a\\nb\\n', '--topic grouped');
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'grouped', fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => (message.offset === '1' ? resolve() : undefined),
      });
    });
    const refused = await odradek('groups --delete --group g');
    expect(refused).toEqual({
      out: '',
      err: 'odradek groups: group g: NON_EMPTY_GROUP: the group has members\n',
      status: 1,
    });
    await consumer.disconnect();
    expect((await odradek('groups --list')).out).toBe('g\n');
    const described = JSON.parse((await odradek('groups --describe --group g --json')).out);
    const row = {
      topic: 'grouped',
      partition: 0,
      currentOffset: 2,
      logEndOffset: 2,
      lag: 0,
      consumerId: null,
    };
    expect(described).toMatchObject({ groupId: 'g', state: 'Empty', members: [], offsets: [row] });
    const both = await odradek('groups --delete --group none --group g');
    expect(both).toEqual({
      out: "Deletion of group 'g' was successful.\n",
      err: 'odradek groups: group none: GROUP_ID_NOT_FOUND: there is no such group\n',
      status: 1,
    });
    expect((await odradek('groups --describe --group g')).err).toContain('group g: GROUP_ID_NOT_FOUND');
  }, 90_000);

  it('are shown with what would steer a terminal spelled out', async () => {
    await odradek('topics --create --topic steered --partitions 1');
    const groupId = 'red\u001b[31m\u009b2J\ngroup';
    const admin = new Kafka({
      brokers: cluster.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await admin.setOffsets({ groupId, topic: 'steered', partitions: [{ partition: 0, offset: '0' }] });
    const listed = await odradek('groups --list');
    await admin.deleteGroups([groupId]);
    await admin.disconnect();
    expect(listed.out).toBe('red\\u001b[31m\\u009b2J\\u000agroup\n');
  }, 90_000);
});

describe('produce', () => {
  it("reads headers, keys and tombstones as Kafka's console producer does", async () => {
    await odradek('topics --create --topic lines --partitions 1');
    const properties = ['parse.headers=true', 'parse.key=true', 'key.separator=|', 'null.marker=NULL'];
    const options = properties.map((property) => `--property '${property}'`).join(' ');
    const lines = ['a:1,b:2,a:3\\tk|v', 'NULL\\tk|NULL', 'NULL\\tNULL|w'];
    expect(await produce(`${lines.join('\\n')}\\n`, `--topic lines ${options}`)).toMatchObject({ status: 0 });
    expect(await recordsOf('lines', 3)).toEqual([
      {
        key: 'k',
        value: 'v',
        headers: [
          { key: 'a', value: '1' },
          { key: 'a', value: '3' },
          { key: 'b', value: '2' },
        ],
      },
      { key: 'k', value: null, headers: [] },
      { key: null, value: 'w', headers: [] },
    ]);
  });

  it('sends what is before a line that it cannot read, and names the line', async () => {
    await odradek('topics --create --topic broken --partitions 1');
    const { status, err } = await produce('k:v\\nno key\\n', '--topic broken --key-separator :');
    expect(status).toBe(1);
    expect(err).toBe("odradek produce: No key separator found on line number 2: 'no key'\n");
    expect(await recordsOf('broken', 1)).toEqual([{ key: 'k', value: 'v', headers: [] }]);
  });

  it.each([
    ['parse.kay=true', 'one of parse.key, key.separator, parse.headers'],
    ['headers.separator=:', 'headers.separator and headers.key.separator may not be equal'],
  ])('refuses --property %s', async (property, reason) => {
    const { status, err } = await produce('', `--topic lines --property ${property}`);
    expect(status).toBe(2);
    expect(err).toContain(reason);
  });

  it("says the broker's reason", async () => {
    await odradek('topics --create --topic small --partitions 1 --config max.message.bytes=100');
    const { status, err } = await produce('x'.repeat(200), '--topic small');
    expect(status).toBe(1);
    expect(err).toContain('MESSAGE_TOO_LARGE');
  });
});

describe('--bootstrap-server', () => {
  it('has a default port, and says what it takes', async () => {
    const port = cluster.bootstrapServers.split(',')[0]?.split(':')[1];
    const withHost = await run(`${ODRADEK} topics --list --bootstrap-server localhost:${port}`);
    expect(withHost.status).toBe(0);
    const unreached = await run(`${ODRADEK} topics --list --bootstrap-server no-such-host.invalid`);
    expect(unreached.err).toContain('no broker answers: no-such-host.invalid:9092: ');
    for (const word of ['localhost:x', 'localhost:70000', 'http://localhost:9092']) {
      for (const command of ['topics --list', 'groups --list', 'consume --topic t', 'produce --topic t']) {
        const { status, err } = await run(`${ODRADEK} ${command} --bootstrap-server ${word}`);
        expect(status).toBe(2);
        expect(err).toContain(
          `--bootstrap-server takes HOST:PORT,…, with ports from 1 to 65535, not '${word}'`,
        );
      }
    }
  });
});

describe('--help', () => {
  it("tells where a cluster's brokers differ from Kafka's defaults", async () => {
    const { out } = await run(`${ODRADEK} cluster --help`);
    expect(out).toContain('default.replication.factor=3');
    expect(out).toContain('min.insync.replicas=2');
  });
});
