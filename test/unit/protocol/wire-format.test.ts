/** Bytes written by hand from the protocol guide, so that encoder and decoder can't be wrong together. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, errorName, isError, isRetriable, knownError } from '../../../broker/errors.ts';
import {
  decodeData,
  decodeRequest,
  decodeResponse,
  encodeData,
  encodeRequest,
  encodeResponse,
} from '../../../broker/protocol/codec.ts';
import { requestFrame, responseFrame } from '../../../broker/protocol/frame.ts';
import {
  parseRequestHeader,
  parseResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from '../../../broker/protocol/header.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../../broker/protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ControlledShutdown } from '../../../broker/protocol/messages/07-controlled-shutdown.ts';
import { JoinGroup } from '../../../broker/protocol/messages/11-join-group.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { DescribeAcls } from '../../../broker/protocol/messages/29-describe-acls.ts';
import { ConsumerGroupHeartbeat } from '../../../broker/protocol/messages/68-consumer-group-heartbeat.ts';
import { ALL_APIS } from '../../../broker/protocol/messages/all.ts';
import { ProtocolError } from '../../../broker/protocol/reader.ts';
import {
  array,
  data,
  int16,
  int32,
  int64,
  safeInt64,
  string,
  struct,
} from '../../../broker/protocol/schema.ts';
import { parseVersions } from '../../../broker/protocol/versions.ts';
import { Writer } from '../../../broker/protocol/writer.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const joined = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('hex');
const plain = (text: string): string => text.replaceAll(' ', '');
const bytesOf = (write: (writer: Writer) => void): Buffer => {
  const writer = new Writer();
  write(writer);
  return Buffer.concat(writer.finish());
};
const apiByKey = (key: number) => ALL_APIS.find((api) => api.key === key);

describe('requests', () => {
  it('ApiVersions v3 names the client in compact strings', () => {
    const body = hex('05 6b636174 04 312e30 00');
    const request = { clientSoftwareName: 'kcat', clientSoftwareVersion: '1.0' };
    expect(decodeRequest(ApiVersions, 3, body)).toEqual(request);
    expect(joined(encodeRequest(ApiVersions, 3, request))).toBe(body.toString('hex'));
  });

  it('Metadata asks for all topics with null, from v1', () => {
    expect(decodeRequest(Metadata, 1, hex('ffffffff')).topics).toBeNull();
    expect(decodeRequest(Metadata, 9, hex('00 01 00 00 00')).topics).toBeNull();
    expect(() => decodeRequest(Metadata, 0, hex('ffffffff'))).toThrow(ProtocolError);
    expect(decodeRequest(Metadata, 0, hex('00000001 0001 74')).topics).toEqual([
      { name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' },
    ]);
    expect(decodeRequest(Metadata, 0, hex('00000000')).allowAutoTopicCreation).toBe(true);
  });

  it('Produce v9 and v3 carry the same records, which decode to a view of the frame', () => {
    const flexible = hex('00 ffff 000003e8 02 02 74 02 00000000 04 aabbcc 00 00 00');
    const classic = hex('ffff ffff 000003e8 00000001 0001 74 00000001 00000000 00000003 aabbcc');
    for (const [version, body] of [
      [9, flexible],
      [3, classic],
    ] as const) {
      const request = decodeRequest(Produce, version, body);
      expect(request).toMatchObject({ transactionalId: null, acks: -1, timeoutMs: 1000 });
      const records = request.topicData[0]?.partitionData[0]?.records;
      expect(records).toEqual(hex('aabbcc'));
      expect(records?.buffer).toBe(body.buffer);
      expect(joined(encodeRequest(Produce, version, request))).toBe(body.toString('hex'));
    }
  });

  it('Fetch v15 puts the replica into a tagged struct, and v14 does not', () => {
    const later = encodeRequest(Fetch, 15, { replicaState: { replicaId: 3, replicaEpoch: 9 }, maxBytes: 1 });
    expect(joined(later)).toContain(plain('01 01 0d 00000003 0000000000000009 00'));
    expect(decodeRequest(Fetch, 15, Buffer.concat(later)).replicaState).toEqual({
      replicaId: 3,
      replicaEpoch: 9,
    });
    expect(joined(encodeRequest(Fetch, 14, { replicaId: 3 })).startsWith('00000003')).toBe(true);
  });
});

describe('responses', () => {
  const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 4 }];

  it('ApiVersions v0, v3, and v3 with a tagged field', () => {
    expect(joined(encodeResponse(ApiVersions, 0, { errorCode: 35, apiKeys }))).toBe(
      plain('0023 00000001 0012 0000 0004'),
    );
    expect(joined(encodeResponse(ApiVersions, 3, { apiKeys }))).toBe(
      plain('0000 02 0012 0000 0004 00 00000000 00'),
    );
    const tagged = encodeResponse(ApiVersions, 3, { apiKeys, finalizedFeaturesEpoch: 5 });
    expect(joined(tagged)).toBe(plain('0000 02 0012 0000 0004 00 00000000 01 01 08 0000000000000005'));
    expect(decodeResponse(ApiVersions, 3, Buffer.concat(tagged)).finalizedFeaturesEpoch).toBe(5);
  });

  it('unknown tagged fields are passed over, at the end and within elements', () => {
    const body = hex('0000 02 0012 0000 0004 01 07 02 beef 00000000 02 63 01 aa 64 00');
    expect(decodeResponse(ApiVersions, 3, body).apiKeys).toEqual(apiKeys);
  });

  it('the size of a known tagged field is not compared with what its value takes', () => {
    const body = hex('0000 01 00000000 01 01 09 0000000000000005 00');
    expect(decodeResponse(ApiVersions, 3, body).finalizedFeaturesEpoch).toBe(5);
  });

  it('a nullable struct is marked by -1 or 1, and read as absent after any negative byte', () => {
    const absent = encodeResponse(ConsumerGroupHeartbeat, 0, { memberId: 'm', assignment: null });
    expect(joined(absent)).toBe(plain('00000000 0000 00 02 6d 00000000 00000000 ff 00'));
    const empty = encodeResponse(ConsumerGroupHeartbeat, 0, { memberId: 'm', assignment: {} });
    expect(joined(empty)).toBe(plain('00000000 0000 00 02 6d 00000000 00000000 01 01 00 00'));
    expect(decodeResponse(ConsumerGroupHeartbeat, 0, Buffer.concat(empty)).assignment).toEqual({
      topicPartitions: [],
    });
    const otherwise = hex('00000000 0000 00 02 6d 00000000 00000000 80 00');
    expect(decodeResponse(ConsumerGroupHeartbeat, 0, otherwise).assignment).toBeNull();
  });

  it('record batches become parts by reference', () => {
    const records = Buffer.alloc(5000, 7);
    const response = { responses: [{ topic: 't', partitions: [{ records }, { records }] }] };
    const parts = encodeResponse(Fetch, 11, response);
    expect(parts.filter((part) => part === records)).toHaveLength(2);
    const decoded = decodeResponse(Fetch, 11, Buffer.concat(parts));
    expect(decoded.responses[0]?.partitions[1]?.records).toEqual(records);
  });
});

describe('numbers and ids', () => {
  const Numbers = data({
    name: 'Numbers',
    versions: '0-1',
    flexible: '1+',
    fields: { exact: int64('0+'), nearest: safeInt64('0+') },
  });

  it('an int64 is exact, and goes back as it came', () => {
    const zero = '0000000000000000';
    for (const [text, value] of [
      ['7fffffffffffffff', 2n ** 63n - 1n],
      ['8000000000000000', -(2n ** 63n)],
      ['0020000000000001', 2n ** 53n + 1n],
      ['001fffffffffffff', 2 ** 53 - 1],
      ['ffe0000000000001', -(2 ** 53) + 1],
      ['fffffffffffffffe', -2],
    ] as const) {
      const decoded = decodeData(Numbers, 0, hex(text + zero));
      expect(decoded.exact).toBe(value);
      expect(encodeData(Numbers, 0, decoded)).toEqual(hex(text + zero));
    }
    expect(() => encodeData(Numbers, 0, { exact: 2n ** 63n })).toThrow(RangeError);
  });

  it('an int64 that is only compared becomes the nearest safe integer', () => {
    const zero = '0000000000000000';
    const nearest = (text: string): number => decodeData(Numbers, 0, hex(zero + text)).nearest;
    expect(nearest('7fffffffffffffff')).toBe(Number.MAX_SAFE_INTEGER);
    expect(nearest('8000000000000000')).toBe(Number.MIN_SAFE_INTEGER);
    expect(nearest('0000010000000001')).toBe(2 ** 40 + 1);
    expect(() => encodeData(Numbers, 0, { nearest: 2 ** 53 })).toThrow(ProtocolError);
    expect(encodeData(Numbers, 0, { nearest: 2 ** 40 + 1 })).toEqual(hex(`${zero}0000010000000001`));
  });

  it('a uuid is 16 bytes on the wire and base64url in text', () => {
    const id = 'AAECAwQFBgcICQoLDA0ODw';
    const parts = encodeRequest(Metadata, 10, { topics: [{ topicId: id, name: 'n' }] });
    expect(joined(parts)).toContain('000102030405060708090a0b0c0d0e0f');
    expect(() => encodeRequest(Metadata, 10, { topics: [{ topicId: 'short', name: 'n' }] })).toThrow(
      ProtocolError,
    );
  });
});

describe('what a version can’t say', () => {
  it('a value in a field that the version lacks is refused, unless it is the default or ignorable', () => {
    expect(() => encodeRequest(Produce, 2, { transactionalId: 'x' })).toThrow(/transactionalId/);
    expect(joined(encodeRequest(Produce, 2, { transactionalId: null }))).toBe(
      plain('0000 00000000 00000000'),
    );
    expect(() => encodeRequest(Fetch, 0, { maxBytes: 5 })).not.toThrow();
    expect(() =>
      encodeResponse(ListOffsets, 1, { topics: [{ partitions: [{ oldStyleOffsets: [1] }] }] }),
    ).toThrow(ProtocolError);
  });

  it('null is refused where the version has no null', () => {
    expect(() => encodeResponse(JoinGroup, 6, { protocolName: null })).toThrow(/protocolName/);
    expect(() => encodeResponse(JoinGroup, 7, { protocolName: null })).not.toThrow();
  });

  it('a version outside the range is refused', () => {
    expect(() => encodeRequest(Produce, 12, {})).toThrow(ProtocolError);
    expect(() => decodeRequest(Produce, -1, Buffer.alloc(0))).toThrow(ProtocolError);
  });

  it('a string above 32767 bytes is refused in both directions', () => {
    expect(() => encodeRequest(ApiVersions, 3, { clientSoftwareName: 'x'.repeat(32768) })).toThrow(
      ProtocolError,
    );
    const body = Buffer.concat([hex('818002'), Buffer.alloc(32768, 97), hex('01 00')]);
    expect(() => decodeRequest(ApiVersions, 3, body)).toThrow(ProtocolError);
  });
});

describe('hostile lengths', () => {
  it('a count larger than the bytes that are left is refused before anything is made of it', () => {
    const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    for (const body of ['7fffffff', '7fffffff 00000000', '00000002 0001 74']) {
      expect(() => decodeRequest(Metadata, 1, hex(body))).toThrow(ProtocolError);
    }
    for (const body of ['7fffffff', '80000000', 'fffffffe', 'ffffffff']) {
      expect(() => decodeRequest(Metadata, 0, hex(body))).toThrow(ProtocolError);
    }
    for (const body of ['ffffffff0f', 'ffffffff7f', 'ffffffffff0f', '80', 'fe ffffff 07 00 00']) {
      expect(() => decodeRequest(Metadata, 9, hex(body))).toThrow(ProtocolError);
    }
    const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    expect(after - before).toBeLessThan(32 * 1024 * 1024);
  });

  it('excessive lengths of records and tags are refused', () => {
    const body = hex('ffff 000003e8 00000001 0001 74 00000001 00000000 7fffffff aabbcc');
    expect(() => decodeRequest(Produce, 2, body)).toThrow(ProtocolError);
    expect(() => decodeRequest(ApiVersions, 3, hex('01 01 01 05 ffffffff07'))).toThrow(ProtocolError);
    expect(() => decodeRequest(ApiVersions, 3, hex('01 01 01 05 ffffffff0f'))).toThrow(ProtocolError);
  });
});

describe('what Kafka’s readers let pass', () => {
  it('is bytes behind a request: librdkafka leaves three behind Metadata for all topics', () => {
    for (const version of [9, 10, 11, 12]) {
      const body = hex(version < 11 ? '00 01 00 00 00' : '00 01 00 00');
      const whole = decodeRequest(Metadata, version, body);
      expect(whole.topics).toBeNull();
      expect(decodeRequest(Metadata, version, Buffer.concat([body, hex('01 00 00')]))).toEqual(whole);
    }
  });

  it('is a section of tags too many: kafka-go ends DescribeAcls with one in version 1', () => {
    const body = hex('02 0001 74 03 ffff ffff 01 01');
    const longer = Buffer.concat([body, hex('00')]);
    expect(decodeRequest(DescribeAcls, 1, longer)).toEqual(decodeRequest(DescribeAcls, 1, body));
  });

  it('is any negative length for null, where null may be', () => {
    for (const length of ['ffffffff', 'fffffffe', '80000000']) {
      expect(decodeRequest(Metadata, 1, hex(length)).topics).toBeNull();
      const body = hex(`ffff 000003e8 00000001 0001 74 00000001 00000000 ${length} aabbcc`);
      const { topicData } = decodeRequest(Produce, 2, body);
      expect(topicData[0]?.partitionData[0]?.records).toBeNull();
    }
    for (const length of ['00', 'ffffffff0f', '8180808008']) {
      expect(decodeRequest(Metadata, 9, hex(`${length} 00 00 00 00`)).topics).toBeNull();
    }
    expect(decodeRequest(Produce, 3, hex('8000 ffff 000003e8 00000000')).transactionalId).toBeNull();
  });

  it('is a negative number of tags for none', () => {
    const request = { clientSoftwareName: '', clientSoftwareVersion: '' };
    expect(decodeRequest(ApiVersions, 3, hex('01 01 ffffffff0f'))).toEqual(request);
  });

  it('is a length with bits beyond the thirty-second', () => {
    expect(decodeRequest(ApiVersions, 3, hex('8480808070 6b6174 01 00')).clientSoftwareName).toBe('kat');
  });
});

describe('headers', () => {
  it('version 2 keeps the two-byte client id and has a tagged section after it', () => {
    const frame = hex('0012 0003 00000007 0003 666f6f 01 05 01 ff aa');
    expect(parseRequestHeader(frame, apiByKey)).toEqual({
      apiKey: 18,
      apiVersion: 3,
      correlationId: 7,
      clientId: 'foo',
      bodyOffset: 17,
    });
    const header = { correlationId: 7, clientId: 'foo' };
    expect(bytesOf((writer) => writeRequestHeader(ApiVersions, 3, header, writer))).toEqual(
      hex('0012 0003 00000007 0003 666f6f 00'),
    );
    expect(bytesOf((writer) => writeRequestHeader(ApiVersions, 2, header, writer))).toEqual(
      hex('0012 0002 00000007 0003 666f6f'),
    );
  });

  it('ControlledShutdown v0 has no client id; a null client id is fine elsewhere', () => {
    expect(parseRequestHeader(hex('0007 0000 00000001'), apiByKey).clientId).toBeNull();
    const header = { correlationId: 1, clientId: 'x' };
    expect(bytesOf((writer) => writeRequestHeader(ControlledShutdown, 0, header, writer))).toEqual(
      hex('0007 0000 00000001'),
    );
    expect(parseRequestHeader(hex('0000 0003 00000001 ffff'), apiByKey).clientId).toBeNull();
  });

  it('an unknown API and a truncated header are refused; an unknown version is the caller’s business', () => {
    expect(() => parseRequestHeader(hex('0034 0000 00000001 ffff'), apiByKey)).toThrow(ProtocolError);
    expect(() => parseRequestHeader(hex('0000 0003 0000'), apiByKey)).toThrow(ProtocolError);
    expect(parseRequestHeader(hex('0012 7fff 00000001 ffff 00'), apiByKey).apiVersion).toBe(0x7fff);
  });

  it('the response of ApiVersions never has a tagged section in its header', () => {
    expect(bytesOf((writer) => writeResponseHeader(ApiVersions, 4, 1, writer))).toEqual(hex('00000001'));
    expect(bytesOf((writer) => writeResponseHeader(Produce, 9, 1, writer))).toEqual(hex('00000001 00'));
    expect(bytesOf((writer) => writeResponseHeader(Produce, 8, 1, writer))).toEqual(hex('00000001'));
    expect(parseResponseHeader(Produce, 9, hex('00000001 01 09 00 aa')).bodyOffset).toBe(7);
  });
});

describe('frames', () => {
  it('begin with the size of everything after it', () => {
    const response = responseFrame(ApiVersions, { version: 0, correlationId: 9 }, { errorCode: 35 });
    expect(joined([bytesOfParts(response)])).toBe(plain('0000000a 00000009 0023 00000000'));
    const request = requestFrame(ApiVersions, 0, { correlationId: 2, clientId: null }, {});
    expect(joined(request)).toBe(plain('0000000a 0012 0000 00000002 ffff'));
  });

  it('count what goes by reference', () => {
    const records = Buffer.alloc(100_000);
    const parts = responseFrame(
      Fetch,
      { version: 12, correlationId: 1 },
      { responses: [{ partitions: [{ records }] }] },
    );
    const all = bytesOfParts(parts);
    expect(all.readInt32BE(0)).toBe(all.length - 4);
  });
});

describe('the declaration language', () => {
  const Sample = data({
    name: 'Sample',
    versions: '0-3',
    flexible: '2+',
    fields: {
      old: string('0-1', { ignorable: true }),
      inner: struct(
        '1+',
        { a: int16('1+', { default: 4 }), b: int16('2+') },
        { nullable: '1+', default: null },
      ),
      list: array('0+', int32, { nullable: '2+' }),
      late: struct('3+', { a: int16('3+') }, { tag: 0, nullable: '3+', default: null }),
    },
  });

  it('fields of a struct exist where both they and the struct do', () => {
    expect(encodeData(Sample, 1, { old: 'x', inner: { a: 1 } })).toEqual(hex('0001 78 01 0001 00000000'));
    expect(encodeData(Sample, 2, { old: 'dropped', inner: {} })).toEqual(hex('01 0004 0000 00 01 00'));
    expect(decodeData(Sample, 1, hex('0000 01 0001 00000000')).inner).toEqual({ a: 1, b: 0 });
  });

  it('a tagged nullable struct is left out when null and marked when not', () => {
    expect(encodeData(Sample, 3, {})).toEqual(hex('ff 01 00'));
    const body = encodeData(Sample, 3, { late: { a: 2 } });
    expect(body).toEqual(hex('ff 01 01 00 04 01 0002 00'));
    expect(decodeData(Sample, 3, body).late).toEqual({ a: 2 });
  });

  it('reads version ranges and refuses others', () => {
    expect(parseVersions('3-5')).toEqual({ from: 3, to: 5 });
    expect(parseVersions('7')).toEqual({ from: 7, to: 7 });
    expect(() => parseVersions('x' as '7')).toThrow(TypeError);
  });
});

describe('error codes', () => {
  it('have names, and some may be retried', () => {
    expect(Object.keys(ErrorCode)).toHaveLength(128);
    expect(errorName(6)).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(errorName(-1)).toBe('UNKNOWN_SERVER_ERROR');
    expect(errorName(99)).toBe('UNKNOWN_SERVER_ERROR');
    expect(isRetriable(ErrorCode.NOT_COORDINATOR)).toBe(true);
    expect(isRetriable(ErrorCode.ILLEGAL_GENERATION)).toBe(false);
  });

  it('are told from what was asked for, and from numbers that are none', () => {
    expect(isError(ErrorCode.NONE)).toBe(true);
    expect(isError<object>({ error: ErrorCode.NONE })).toBe(false);
    expect(knownError(6)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(knownError(99)).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });
});
