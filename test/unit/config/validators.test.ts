/** What single values of configs are judged by, in Kafka's words. */
import { describe, expect, it } from 'vitest';
import {
  checkAdvertised,
  checkBound,
  type Listener,
  parseEndpoint,
  parseListeners,
  parseProtocolMap,
} from '../../../broker/config/listeners.ts';
import {
  derivedPeerMaxMessageBytes,
  PEER_HEADER_ROOM_BYTES,
  peerMessageNeedBytes,
} from '../../../broker/config/peer-messages.ts';
import { threadCountProblem } from '../../../broker/config/thread-counts.ts';
import {
  atLeast,
  between,
  eachOneOf,
  GZIP_LEVEL,
  METADATA_VERSION,
  NOT_EMPTY,
  oneOf,
  oneOfIgnoringCase,
  POSITIVE_OR_NONE,
  THROTTLED_REPLICAS,
} from '../../../broker/config/validators.ts';

const MIB = 1024 * 1024;

describe('a number', () => {
  it('has a least, and may have a most, and both are allowed', () => {
    expect([13, 14].map((value) => atLeast(14)(value, 'n'))).toEqual(['Value must be at least 14', null]);
    expect([-1, 0, 1, 2].map((value) => between(0, 1)(value, 'n'))).toEqual([
      'Value must be at least 0',
      null,
      null,
      'Value must be no more than 1',
    ]);
  });

  it('may be -1 for another config’s value, and else is positive', () => {
    expect([-2, -1, 0, 1].map((value) => POSITIVE_OR_NONE(value, 'n') === null)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('is a level of gzip from 1 to 9, or -1 for its default', () => {
    const fine = [-2, -1, 0, 1, 9, 10].filter((value) => GZIP_LEVEL(value, 'n') === null);
    expect(fine).toEqual([-1, 1, 9]);
  });
});

describe('a word', () => {
  it('is one of those allowed, by case or not', () => {
    expect(oneOf('a', 'b')('B', 'n')).toBe('String must be one of: a, b');
    expect(oneOf('a', 'b')('b', 'n')).toBeNull();
    expect(oneOfIgnoringCase('NONE', 'ALL')('aLl', 'n')).toBeNull();
    expect(oneOfIgnoringCase('NONE', 'ALL')('some', 'n')).toBe(
      'String must be one of (case insensitive): NONE, ALL',
    );
  });

  it('of a list is named when it alone is wrong', () => {
    expect(eachOneOf('delete', 'compact')(['compact', 'shred', 'x'], 'n')).toEqual({
      part: 'shred',
      complaint: 'String must be one of: delete, compact',
    });
    expect(eachOneOf('delete', 'compact')([], 'n')).toBeNull();
  });

  it('may have to be there', () => {
    expect([NOT_EMPTY('', 'n'), NOT_EMPTY(' ', 'n')]).toEqual(['String must be non-empty', null]);
  });
});

describe('throttled replicas', () => {
  it.each([[[]], [['*']], [['0:1']], [['0:1', '12:345']], [['0:1', '']]])('may be %j', (value) => {
    expect(THROTTLED_REPLICAS(value, 'n')).toBeNull();
  });

  it.each([[['*', '0:1']], [['0']], [['0:']], [['a:1']], [['0:1:2']], [['-1:0']], [['all']]])(
    'are not %j',
    (value) => {
      expect(THROTTLED_REPLICAS(value, 'the.config')).toMatch(
        /^the\.config must be the literal '\*' or a list/,
      );
    },
  );
});

describe('a version of the protocol between brokers', () => {
  it.each(['3.9', '3.9.0', '3.9.1', '3.9-IV0', '2.8-IV1', '0.10.0', '0.10.0.1', '0.10.0-IV1', '1.0'])(
    'is %s',
    (version) => expect(METADATA_VERSION(version, 'n')).toBeNull(),
  );

  it.each(['', '4', '4.0', '3.10', '3.9-IV1', '3.9-iv0', '0.10', '0.9.0-IV0', '2.8-IV2', 'latest', '3.9-'])(
    'is not "%s"',
    (version) => expect(METADATA_VERSION(version, 'n')).toBe(`Version ${version} is not a valid version`),
  );
});

describe('an endpoint', () => {
  it.each([
    ['PLAINTEXT://h:9092', { name: 'PLAINTEXT', host: 'h', port: 9092 }],
    ['plaintext://:0', { name: 'PLAINTEXT', host: '', port: 0 }],
    ['A_B-1://10.0.0.1:65535', { name: 'A_B-1', host: '10.0.0.1', port: 65535 }],
    ['X://[::1]:1', { name: 'X', host: '::1', port: 1 }],
    ['X://[fe80::1%eth0]:1', { name: 'X', host: 'fe80::1%eth0', port: 1 }],
    ['X://::1:9', { name: 'X', host: '::1', port: 9 }],
  ])('is %s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it.each([
    '',
    'h:9092',
    '://h:1',
    'X://h',
    'X://h:',
    'X://h:65536',
    'X://h:-1',
    'X:h:1',
    'X://h:1/',
    'X://a b:1',
  ])('is not "%s"', (text) =>
    expect(parseEndpoint(text)).toBe(`Unable to parse ${text} to a broker endpoint`),
  );
});

describe('listeners', () => {
  const protocols = parseProtocolMap('in:plaintext, OUT:SSL,in:SASL_SSL');

  it('have the protocol that the map has last for their name, in any case', () => {
    expect([...protocols]).toEqual([
      ['IN', 'SASL_SSL'],
      ['OUT', 'SSL'],
    ]);
    expect(parseListeners('listeners', 'out://h:1', protocols)).toEqual([
      { name: 'OUT', host: 'h', port: 1, securityProtocol: 'SSL' },
    ]);
  });

  it.each([
    ['listeners', '', 'There must be at least one listener.'],
    ['advertised.listeners', '', 'There must be at least one broker advertised listener.'],
    [
      'listeners',
      'IN://h:1,in://h:2',
      'Each listener must have a different name, listeners: IN://h:1,in://h:2',
    ],
    [
      'listeners',
      'X://h:1',
      "Error creating broker listeners from 'X://h:1': No security protocol defined for listener X",
    ],
    [
      'listeners',
      'IN://h',
      "Error creating broker listeners from 'IN://h': Unable to parse IN://h to a broker endpoint",
    ],
  ])('in %s as "%s" are refused', (key, text, complaint) => {
    expect(() => parseListeners(key, text, protocols)).toThrow(complaint);
  });

  it('are bound to ports of their own, but any number to a free one, and two families to the same', () => {
    const at = (host: string, port: number, name: string): Listener => ({
      name,
      host,
      port,
      securityProtocol: 'PLAINTEXT',
    });
    const bind =
      (...listeners: Listener[]) =>
      () =>
        checkBound(listeners, 'as given');
    expect(bind(at('', 0, 'A'), at('', 0, 'B'), at('127.0.0.1', 5, 'C'), at('::1', 5, 'D'))).not.toThrow();
    expect(bind(at('127.0.0.1', 5, 'A'), at('127.0.0.2', 5, 'B'))).toThrow(
      'Each listener must have a different port, listeners: as given',
    );
  });

  it('are advertised under names that are bound, at addresses that can be reached', () => {
    const named = (name: string, host = 'h'): Listener => ({
      name,
      host,
      port: 1,
      securityProtocol: 'PLAINTEXT',
    });
    expect(() => checkAdvertised([named('B')], [named('A'), named('B')])).not.toThrow();
    expect(() => checkAdvertised([named('A'), named('C')], [named('A'), named('B')])).toThrow(
      'Found A,C. The valid options based on the current configuration are A,B',
    );
    expect(() => checkAdvertised([named('A', '0.0.0.0')], [named('A')])).toThrow('nonroutable meta-address');
  });
});

describe('messages between brokers', () => {
  const sources = (socketRequestMaxBytes: number, compressedBatchMaxDecompressedBytes: number) => ({
    socketRequestMaxBytes,
    compressedBatchMaxDecompressedBytes,
  });

  it('have room for the largest batch that can come in, and never less than 128 MiB', () => {
    expect(derivedPeerMaxMessageBytes(sources(MIB, MIB))).toBe(128 * MIB);
    expect(derivedPeerMaxMessageBytes(sources(200 * MIB, MIB))).toBe(200 * MIB + PEER_HEADER_ROOM_BYTES);
    expect(derivedPeerMaxMessageBytes(sources(MIB, 300 * MIB))).toBe(300 * MIB + PEER_HEADER_ROOM_BYTES);
  });

  it('need room for message.max.bytes, or for what can come in when that is less', () => {
    expect(peerMessageNeedBytes(sources(5 * MIB, MIB), 2 * MIB)).toBe(2 * MIB + PEER_HEADER_ROOM_BYTES);
    expect(peerMessageNeedBytes(sources(5 * MIB, MIB), 900 * MIB)).toBe(5 * MIB + PEER_HEADER_ROOM_BYTES);
  });
});

describe('a number of threads', () => {
  const counts = (numIoThreads: number): Parameters<typeof threadCountProblem>[0] => ({
    numIoThreads,
    numNetworkThreads: 3,
    numReplicaFetchers: 1,
    numRecoveryThreadsPerDataDir: 1,
    backgroundThreads: 10,
    logCleanerThreads: 1,
  });

  it.each([
    [5, 2, true],
    [5, 1, false],
    [5, 10, true],
    [5, 11, false],
    [1, 0, true],
    [1, 2, true],
    [1, 3, false],
  ])('of %i may change to %i at once: %s', (from, to, may) => {
    expect(threadCountProblem(counts(from), counts(to)) === null).toBe(may);
  });
});
