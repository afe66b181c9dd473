/** The znode catalogue against data as Kafka 3.9 writes it, old versions, and garbage. */
import { describe, expect, it } from 'vitest';
import {
  consumerOffsetZnode,
  isrChangeZnode,
  logDirEventZnode,
  preferredElectionZnode,
  reassignPartitionsZnode,
} from '../../../coordinator-client/znodes/admin-znodes.ts';
import {
  configChangeZnode,
  configZnode,
  desanitize,
  sanitize,
  sequenceNumber,
} from '../../../coordinator-client/znodes/config-znodes.ts';
import {
  aclChangeZnode,
  aclZnode,
  delegationTokenZnode,
} from '../../../coordinator-client/znodes/security-znodes.ts';
import { JsonFields, ZnodeFormatError } from '../../../coordinator-client/znodes/znode-json.ts';
import {
  brokerZnode,
  clusterIdZnode,
  controllerEpochZnode,
  controllerZnode,
  featureZnode,
  partitionStateZnode,
  producerIdBlockZnode,
  topicZnode,
} from '../../../coordinator-client/znodes/znodes.ts';

/** As they were set, and as Kafka 3.9.1 wrote them. */
const TWENTY_FOUR_KEYS = [
  'cleanup.policy',
  'retention.ms',
  'segment.bytes',
  'max.message.bytes',
  'min.insync.replicas',
  'retention.bytes',
  'segment.ms',
  'segment.jitter.ms',
  'segment.index.bytes',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'delete.retention.ms',
  'min.compaction.lag.ms',
  'max.compaction.lag.ms',
  'file.delete.delay.ms',
  'min.cleanable.dirty.ratio',
  'compression.type',
  'preallocate',
  'message.timestamp.type',
  'unclean.leader.election.enable',
  'message.downconversion.enable',
  'leader.replication.throttled.replicas',
  'follower.replication.throttled.replicas',
];
const TWENTY_FOUR_AS_WRITTEN = [
  'compression.type',
  'leader.replication.throttled.replicas',
  'min.insync.replicas',
  'message.downconversion.enable',
  'segment.jitter.ms',
  'cleanup.policy',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'segment.bytes',
  'retention.ms',
  'flush.messages',
  'max.compaction.lag.ms',
  'file.delete.delay.ms',
  'max.message.bytes',
  'min.compaction.lag.ms',
  'message.timestamp.type',
  'preallocate',
  'index.interval.bytes',
  'min.cleanable.dirty.ratio',
  'unclean.leader.election.enable',
  'retention.bytes',
  'delete.retention.ms',
  'segment.ms',
  'segment.index.bytes',
];

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('fields that are called like members of every object', () => {
  it('are there when they were written, and only then', () => {
    const config = new Map([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(configZnode.decode('topics', 't', configZnode.encode(config))).toEqual(config);
    const json = JsonFields.parse('/x', Buffer.from('{}'));
    expect(['constructor', 'toString', '__proto__'].filter((key) => json.has(key))).toEqual([]);
  });
});

describe('/controller', () => {
  const text = '{"version":2,"brokerid":1,"timestamp":"1704032949256","kraftControllerEpoch":-1}';
  const value = { brokerId: 1, timestampMs: 1704032949256, kraftControllerEpoch: -1 };

  it('is written as Kafka writes it', () => {
    expect(controllerZnode.encode(value).toString()).toBe(text);
    expect(controllerZnode.decode(bytes(text))).toEqual(value);
  });

  it('is read in version 1, which knew no KRaft controller', () => {
    const old = bytes('{"version":1,"brokerid":2,"timestamp":"1673382716473"}');
    expect(controllerZnode.decode(old)).toEqual({
      brokerId: 2,
      timestampMs: 1673382716473,
      kraftControllerEpoch: -1,
    });
  });
});

describe('/controller_epoch', () => {
  it('is a decimal number as text, not JSON', () => {
    expect(controllerEpochZnode.encode(7).toString()).toBe('7');
    expect(controllerEpochZnode.decode(bytes('7'))).toBe(7);
    expect(() => controllerEpochZnode.decode(bytes('7x'))).toThrow(ZnodeFormatError);
    expect(() => controllerEpochZnode.decode(bytes(''))).toThrow(ZnodeFormatError);
  });
});

describe('a broker registration', () => {
  const plain = {
    id: 1,
    endpoints: [{ listener: 'PLAINTEXT', host: '192.168.1.14', port: 9092, securityProtocol: 'PLAINTEXT' }],
    rack: null,
    jmxPort: -1,
    timestampMs: 1724097127252,
    features: new Map(),
  };

  it('has its keys in the order of the table of a Scala 2.13 map', () => {
    expect(brokerZnode.encode(plain).toString()).toBe(
      '{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://192.168.1.14:9092"],"jmx_port":-1,"port":9092,"host":"192.168.1.14","version":5,"timestamp":"1724097127252"}',
    );
  });

  it('carries a rack only when there is one', () => {
    expect(brokerZnode.encode({ ...plain, rack: 'r1' }).toString()).toContain('],"rack":"r1","jmx_port"');
  });

  it('offers host and port of the first plaintext listener, and none when there is none', () => {
    const secure = { listener: 'SSL', host: 'h', port: 9093, securityProtocol: 'SSL' };
    const peer = { listener: 'PEER', host: 'h', port: 9094, securityProtocol: 'PLAINTEXT' };
    const text = brokerZnode.encode({ ...plain, endpoints: [secure, peer] }).toString();
    expect(text).toContain('"port":-1,"host":null');
    expect(text).toContain('"endpoints":["SSL://h:9093","PEER://h:9094"]');
    expect(brokerZnode.decode(1, bytes(text)).endpoints).toEqual([secure, peer]);
  });

  it('keeps an IPv6 address in brackets in its text only', () => {
    const endpoints = [{ listener: 'PLAINTEXT', host: '::1', port: 9092, securityProtocol: 'PLAINTEXT' }];
    const data = brokerZnode.encode({ ...plain, endpoints });
    expect(data.toString()).toContain('"PLAINTEXT://[::1]:9092"');
    expect(brokerZnode.decode(1, data).endpoints).toEqual(endpoints);
  });

  it('is read in version 4, without features', () => {
    const old =
      '{"listener_security_protocol_map":{"IN":"SSL"},"endpoints":["IN://a:1"],"jmx_port":-1,"host":null,"timestamp":"1547395229963","port":-1,"version":4,"rack":"x"}';
    expect(brokerZnode.decode(3, bytes(old))).toEqual({
      id: 3,
      endpoints: [{ listener: 'IN', host: 'a', port: 1, securityProtocol: 'SSL' }],
      rack: 'x',
      jmxPort: -1,
      timestampMs: 1547395229963,
      features: new Map(),
    });
  });

  it('is read in version 2, where the listener names the protocol, and in version 1', () => {
    const second =
      '{"version":2,"host":"a","port":1,"endpoints":["SSL://a:1"],"jmx_port":9999,"timestamp":"5"}';
    expect(brokerZnode.decode(1, bytes(second)).endpoints[0]?.securityProtocol).toBe('SSL');
    const first = '{"version":1,"host":"a","port":1,"jmx_port":9999,"timestamp":"5"}';
    expect(brokerZnode.decode(1, bytes(first)).endpoints).toEqual([
      { listener: 'PLAINTEXT', host: 'a', port: 1, securityProtocol: 'PLAINTEXT' },
    ]);
  });

  it.each(['', 'null', '[]', '{}', '{"version":5,"endpoints":[1]}', '{"version":5,"endpoints":["x"]}'])(
    'that is garbage is an error with the path: %s',
    (text) => {
      expect(() => brokerZnode.decode(9, bytes(text))).toThrow(/\/brokers\/ids\/9/);
    },
  );
});

describe('a topic assignment', () => {
  const simple = (replicas: number[]) => ({ replicas, addingReplicas: [], removingReplicas: [] });

  it('is written in version 3 with its keys in the order of the table', () => {
    const value = { topicId: 'ZOLr9CLNQjSW70hyIHx6BQ', partitions: new Map([[0, simple([1, 2])]]) };
    const text =
      '{"partitions":{"0":[1,2]},"topic_id":"ZOLr9CLNQjSW70hyIHx6BQ","adding_replicas":{},"removing_replicas":{},"version":3}';
    expect(topicZnode.encode(value).toString()).toBe(text);
    expect(topicZnode.decode('t', bytes(text))).toEqual(value);
  });

  it('omits an unknown topic id, and names only partitions under reassignment as adding or removing', () => {
    const moving = { replicas: [3, 1, 2], addingReplicas: [3], removingReplicas: [1] };
    const value = {
      topicId: null,
      partitions: new Map([
        [0, simple([1])],
        [1, moving],
      ]),
    };
    const text =
      '{"partitions":{"0":[1],"1":[3,1,2]},"adding_replicas":{"1":[3]},"removing_replicas":{"1":[1]},"version":3}';
    expect(topicZnode.encode(value).toString()).toBe(text);
    expect(topicZnode.decode('t', bytes(text))).toEqual(value);
  });

  it('keeps the order of the table also for keys that look like numbers', () => {
    const partitions = new Map(Array.from({ length: 14 }, (_, partition) => [partition, simple([1])]));
    const text = topicZnode.encode({ topicId: null, partitions }).toString();
    const order = [...text.matchAll(/"(\d+)":/g)].map((match) => Number(match[1]));
    expect([...order].sort((a, b) => a - b)).toEqual([...partitions.keys()]);
    expect(order.slice(0, 4)).toEqual([11, 12, 13, 0]);
  });

  it('is read in versions 1 and 2', () => {
    expect(topicZnode.decode('t', bytes('{"version":1,"partitions":{"0":[1]}}'))).toEqual({
      topicId: null,
      partitions: new Map([[0, simple([1])]]),
    });
    const second =
      '{"version":2,"partitions":{"0":[1,2]},"adding_replicas":{"0":[2]},"removing_replicas":{}}';
    expect(topicZnode.decode('t', bytes(second)).partitions.get(0)?.addingReplicas).toEqual([2]);
  });

  it('that is garbage is an error', () => {
    expect(() => topicZnode.decode('t', bytes('{"partitions":{"x":[1]}}'))).toThrow(ZnodeFormatError);
    expect(() => topicZnode.decode('t', bytes('{"partitions":{"0":["1"]}}'))).toThrow(ZnodeFormatError);
  });
});

describe('a partition state', () => {
  const value = { leader: 0, leaderEpoch: 3, isr: [0, 1], controllerEpoch: 7, leaderRecoveryState: 0 };

  it('is written in the order of a five-key trie', () => {
    expect(partitionStateZnode.encode(value).toString()).toBe(
      '{"controller_epoch":7,"leader":0,"version":1,"leader_epoch":3,"isr":[0,1]}',
    );
  });

  it('names the recovery state only while recovering', () => {
    const text =
      '{"controller_epoch":7,"leader":0,"version":1,"leader_recovery_state":1,"leader_epoch":3,"isr":[0,1]}';
    expect(partitionStateZnode.encode({ ...value, leaderRecoveryState: 1 }).toString()).toBe(text);
    expect(partitionStateZnode.decode('t', 0, bytes(text)).leaderRecoveryState).toBe(1);
    expect(() => partitionStateZnode.decode('t', 0, bytes('{}'))).toThrow(ZnodeFormatError);
  });
});

describe('the smaller nodes', () => {
  it('/cluster/id has its version as a string', () => {
    expect(clusterIdZnode.encode('abc').toString()).toBe('{"version":"1","id":"abc"}');
    expect(clusterIdZnode.decode(bytes('{"version":"1","id":"abc"}'))).toBe('abc');
  });

  it('/latest_producer_id_block has its bounds as strings, the end inclusive', () => {
    const text = '{"version":1,"broker":1,"block_start":"1000","block_end":"1999"}';
    const value = { brokerId: 1, firstProducerId: 1000, lastProducerId: 1999 };
    expect(producerIdBlockZnode.encode(value).toString()).toBe(text);
    expect(producerIdBlockZnode.decode(bytes(text))).toEqual(value);
    expect(producerIdBlockZnode.decode(bytes(''))).toBeNull();
  });

  it('/feature is written in version 2 and read in version 1', () => {
    const text = '{"features":{"f":{"max_version_level":2}},"version":2,"status":1}';
    expect(featureZnode.encode({ enabled: true, levels: new Map([['f', 2]]) }).toString()).toBe(text);
    const old = '{"version":1,"status":0,"features":{"f":{"min_version_level":1,"max_version_level":2}}}';
    expect(featureZnode.decode(bytes(old))).toEqual({ enabled: false, levels: new Map([['f', 2]]) });
  });

  it('requests of old tools are lists of partitions', () => {
    const moves = [{ topic: 't', partition: 1, replicas: [2, 3] }];
    const text = '{"version":1,"partitions":[{"topic":"t","partition":1,"replicas":[2,3]}]}';
    expect(reassignPartitionsZnode.encode(moves).toString()).toBe(text);
    expect(reassignPartitionsZnode.decode(bytes(text))).toEqual(moves);
    const partitions = [{ topic: 't', partition: 1 }];
    const election = '{"version":1,"partitions":[{"topic":"t","partition":1}]}';
    expect(preferredElectionZnode.encode(partitions).toString()).toBe(election);
    expect(preferredElectionZnode.decode(bytes(election))).toEqual(partitions);
    expect(isrChangeZnode.encode(partitions).toString()).toBe(election);
    expect(isrChangeZnode.decode('isr_change_0000000000', bytes(election))).toEqual(partitions);
  });

  it('a log directory event names its broker', () => {
    expect(logDirEventZnode.encode(4).toString()).toBe('{"version":1,"broker":4,"event":1}');
    expect(logDirEventZnode.decode('log_dir_event_0000000000', logDirEventZnode.encode(4))).toBe(4);
  });

  it('old offsets are decimal numbers', () => {
    expect(consumerOffsetZnode.encode(12).toString()).toBe('12');
    expect(consumerOffsetZnode.decode('/x', bytes('12'))).toBe(12);
    for (const offset of [2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(consumerOffsetZnode.decode('/x', consumerOffsetZnode.encode(offset))).toBe(offset);
    }
    for (const none of ['', '1.5', '9223372036854775808', '0x1']) {
      expect(() => consumerOffsetZnode.decode('/x', bytes(none))).toThrow('/x');
    }
  });
});

describe('configurations', () => {
  it('hold all values as strings', () => {
    const config = new Map([['retention.ms', '1000']]);
    const text = '{"version":1,"config":{"retention.ms":"1000"}}';
    expect(configZnode.encode(config).toString()).toBe(text);
    expect(configZnode.decode('topics', 't', bytes(text))).toEqual(config);
    expect(configZnode.encode(new Map()).toString()).toBe('{"version":1,"config":{}}');
    expect(configZnode.decode('topics', 't', bytes(''))).toEqual(new Map());
  });

  it('of many keys stand as in a table of Java that has doubled, also when some are gone again', () => {
    const config = new Map(TWENTY_FOUR_KEYS.map((key) => [key, '']));
    const keys = (data: Buffer) => [...data.toString().matchAll(/"([\w.]+)":""/g)].map((match) => match[1]);
    expect(keys(configZnode.encode(config))).toEqual(TWENTY_FOUR_AS_WRITTEN);
    const fewer = new Map([...config].filter(([key]) => key !== 'flush.ms' && key !== 'segment.ms'));
    const left = TWENTY_FOUR_AS_WRITTEN.filter((key) => fewer.has(key));
    expect(keys(configZnode.encode(fewer, config))).toEqual(left);
    expect(keys(configZnode.encode(fewer))).not.toEqual(left);
  });

  it('are quoted as Jackson quotes', () => {
    const value = 'ü\u{1f980} "x" \\ \\u00ff \u0001\u001f\u007f\n</';
    const text = String.raw`ü\uD83E\uDD80 \"x\" \\ \\u00ff \u0001\u001F${'\u007f'}\n</`;
    const data = configZnode.encode(new Map([['k', value]]));
    expect(data.toString()).toBe(`{"version":1,"config":{"k":"${text}"}}`);
    expect(configZnode.decode('brokers', '1', data).get('k')).toBe(value);
  });

  it('are announced by the path of the entity; version 1 named type and entity apart', () => {
    const change = { type: 'users', name: 'alice/clients/<default>' } as const;
    const text = '{"version":2,"entity_path":"users/alice/clients/<default>"}';
    expect(configChangeZnode.encode(change).toString()).toBe(text);
    expect(configChangeZnode.decode('config_change_0000000001', bytes(text))).toEqual(change);
    const old = '{"version":1,"entity_type":"topics","entity_name":"t"}';
    expect(configChangeZnode.decode('config_change_0000000001', bytes(old))).toEqual({
      type: 'topics',
      name: 't',
    });
    const unknown = bytes('{"version":2,"entity_path":"moons/io"}');
    expect(() => configChangeZnode.decode('config_change_0000000001', unknown)).toThrow(ZnodeFormatError);
  });

  it('have names that are percent-encoded as in Java', () => {
    expect(sanitize('a b*c/d~')).toBe('a%20b%2Ac%2Fd%7E');
    expect(desanitize(sanitize('ü*(x)'))).toBe('ü*(x)');
  });

  it('have notices numbered by their last ten digits', () => {
    expect(sequenceNumber('config_change_0000000042')).toBe(42);
    expect(() => sequenceNumber('config_change')).toThrow(ZnodeFormatError);
  });
});

describe('security', () => {
  it('ACL entries stand in the order of a Java map', () => {
    const entries = [{ principal: 'User:x', permissionType: 'Allow', operation: 'Read', host: '*' }];
    const text =
      '{"acls":[{"principal":"User:x","permissionType":"Allow","host":"*","operation":"Read"}],"version":1}';
    expect(aclZnode.encode(entries).toString()).toBe(text);
    expect(aclZnode.decode(aclZnode.path('PREFIXED', 'Topic', 'a'), bytes(text))).toEqual(entries);
  });

  it('ACL changes of literal patterns are text, those of prefixed patterns JSON', () => {
    const literal = { pattern: 'LITERAL', resourceType: 'Topic', name: 'a:b' } as const;
    expect(aclChangeZnode.encode(literal).toString()).toBe('TOPIC:a:b');
    for (const text of ['TOPIC:a:b', 'Topic:a:b']) {
      expect(aclChangeZnode.decode('/x', 'LITERAL', bytes(text))).toEqual(literal);
    }
    expect(() => aclChangeZnode.decode('/x', 'LITERAL', bytes('Nothing:a'))).toThrow(ZnodeFormatError);
    const prefixed = { pattern: 'PREFIXED', resourceType: 'TransactionalId', name: 'n' } as const;
    const text = '{"version":1,"resourceType":"TRANSACTIONAL_ID","name":"n","patternType":"PREFIXED"}';
    expect(aclChangeZnode.encode(prefixed).toString()).toBe(text);
    expect(aclChangeZnode.decode('/x', 'PREFIXED', bytes(text))).toEqual(prefixed);
  });

  it('a delegation token of an old version was asked for by its owner', () => {
    const old =
      '{"version":2,"owner":"User:o","renewers":[],"issueTimestamp":1,"maxTimestamp":2,"expiryTimestamp":3,"tokenId":"id"}';
    const token = delegationTokenZnode.decode('id', bytes(old));
    expect(token.tokenRequester).toBe('User:o');
    expect(delegationTokenZnode.decode('id', delegationTokenZnode.encode(token))).toEqual(token);
  });
});
