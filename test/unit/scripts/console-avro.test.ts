/** Avro in the console: bytes of the specification's examples, hostile ones, and schemas from a registry. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { avroSchema } from '../../../scripts/console/avro/avro-schema.ts';
import { avroValue } from '../../../scripts/console/avro/avro-value.ts';
import { fingerprintOf } from '../../../scripts/console/avro/fingerprint.ts';
import { SchemaRegistry } from '../../../scripts/console/avro/schema-registry.ts';
import { ValueReader } from '../../../scripts/console/avro/value-reader.ts';
import { ODRADEK, run } from './command-line.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (schema: unknown, text: string): unknown =>
  avroValue(avroSchema(JSON.stringify(schema)), hex(text));

const PAIR = {
  type: 'record',
  name: 'test',
  fields: [
    { name: 'a', type: 'long' },
    { name: 'b', type: 'string' },
  ],
};
const LIST = {
  type: 'record',
  name: 'n.List',
  fields: [
    { name: 'value', type: 'int' },
    { name: 'next', type: ['null', 'List'] },
  ],
};

describe('a value', () => {
  it.each([
    ['"null"', 'null', '', null],
    ['a boolean', 'boolean', '01', true],
    ['an int', 'int', '7f', -64],
    ['a long of two bytes', 'long', '80 01', 64],
    ['the least long', 'long', 'ff ff ff ff ff ff ff ff ff 01', '-9223372036854775808'],
    ['a float', 'float', '00 00 c0 3f', 1.5],
    ['no number', 'double', '00 00 00 00 00 00 f8 7f', 'NaN'],
    ['a string', 'string', '06 66 6f 6f', 'foo'],
    ['bytes', 'bytes', '04 00 ff', '0x00ff'],
    ['a record', PAIR, '36 06 66 6f 6f', { a: 27, b: 'foo' }],
    ['an array', { type: 'array', items: 'long' }, '04 06 36 00', [3, 27]],
    ['an array with its size', { type: 'array', items: 'long' }, '03 04 06 36 00', [3, 27]],
    ['a map', { type: 'map', values: 'int' }, '02 02 61 02 00', { a: 1 }],
    ['a union', ['null', 'string'], '02 02 61', 'a'],
    ['an enum', { type: 'enum', name: 'e', symbols: ['A', 'B'] }, '02', 'B'],
    ['a fixed', { type: 'fixed', name: 'f', size: 2 }, '0a 0b', '0x0a0b'],
    ['a record in itself', LIST, '02 02 04 00', { value: 1, next: { value: 2, next: null } }],
    ['a date', { type: 'int', logicalType: 'date' }, '02', '1970-01-02'],
    ['a time', { type: 'long', logicalType: 'timestamp-millis' }, '02', '1970-01-01T00:00:00.001Z'],
    ['a decimal', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, '02 fb', '-0.05'],
  ])('of Avro: %s', (_what, schema, bytes, value) => {
    expect(read(schema, bytes)).toEqual(value);
  });

  it.each([
    ['ends too early', PAIR, '36 06 66', 'the value ends too early'],
    ['goes on', 'int', '02 02', '1 bytes are left'],
    ['has no such branch', ['null'], '02', 'there is no choice 1'],
    ['has a branch below none', ['null'], '01', 'there is no choice -1'],
    ['is a billion nulls', { type: 'array', items: 'null' }, '80 a8 d6 b9 07', 'more than 100000 items'],
    ['is a number without an end', 'long', 'ff'.repeat(11), 'a number is too long'],
    ['has a length below nothing', 'string', '01', 'ends too early'],
    [
      'is in itself for ever',
      { type: 'record', name: 'r', fields: [{ name: 'r', type: 'r' }] },
      '',
      'deeper',
    ],
  ])('that %s is refused', (_what, schema, bytes, complaint) => {
    expect(() => read(schema, bytes)).toThrow(complaint);
  });
});

describe('a schema', () => {
  it.each([
    ['no JSON', '{', 'the schema is no JSON'],
    ['of a type that is nowhere', '"Nowhere"', 'has no type Nowhere'],
    ['too deep', `${'['.repeat(100)}"int"${']'.repeat(100)}`, 'deeper than 64'],
    [
      'of too many types',
      JSON.stringify(Array.from({ length: 10_001 }, () => 'int')),
      'more than 10000 types',
    ],
    ['too large', `"${'x'.repeat(1024 * 1024)}"`, 'larger than'],
    ['without fields', '{"type":"record","name":"r"}', 'a record has no fields'],
    ['with a giant fixed', '{"type":"fixed","name":"f","size":1e12}', 'no size that is read'],
  ])('%s is refused', (_what, text, complaint) => {
    expect(() => avroSchema(text)).toThrow(complaint);
  });
});

/** Fingerprints as Avro's own tests have them (share/test/data/schema-tests.txt). */
describe('a fingerprint', () => {
  it.each([
    ['a primitive', 'null', 7195948357588979594n],
    ['a primitive in an object', { type: 'null', doc: 'x' }, 7195948357588979594n],
    ['a union', ['int', { type: 'boolean' }], 5392556393470105090n],
    [
      'a record in a namespace, with what is left out',
      { fields: [], doc: 'x', aliases: ['y'], type: 'record', name: 'foo', namespace: 'x.y' },
      5916914534497305771n,
    ],
    [
      'a record whose name is whole already',
      { fields: [], type: 'record', name: 'a.b.foo', namespace: 'x.y' },
      -4616218487480524110n,
    ],
    [
      'fields',
      {
        fields: [
          { type: 'boolean', aliases: [], name: 'f1', default: 'true' },
          { order: 'descending', name: 'f2', doc: 'Hello', type: 'int' },
        ],
        type: 'record',
        name: 'foo',
      },
      -4860222112080293046n,
    ],
    [
      'an enum',
      { namespace: 'x.y.z', type: 'enum', name: 'foo', doc: 'foo bar', symbols: ['A1', 'A2'] },
      -4448647247586288245n,
    ],
    ['a fixed', { namespace: 'x.y.z', type: 'fixed', name: 'foo', size: 32 }, -3064184465700546786n],
    ['an array', { items: { type: 'null' }, type: 'array' }, -589620603366471059n],
    ['a map', { values: 'string', type: 'map' }, -8732877298790414990n],
    [
      'a record in itself',
      {
        name: 'PigValue',
        type: 'record',
        fields: [{ name: 'value', type: ['null', 'int', 'long', 'PigValue'] }],
      },
      -1759257747318642341n,
    ],
  ])('of %s is the one that Avro has', (_what, schema, fingerprint) => {
    expect(BigInt.asIntN(64, fingerprintOf(JSON.stringify(schema)))).toBe(fingerprint);
  });
});

describe('a reader of values', () => {
  let server: Server | null = null;
  afterEach(() => {
    server?.close();
    server?.closeAllConnections();
    server = null;
  });

  /** What it was asked for, and with which login. */
  async function registry(answers: Readonly<Record<string, unknown>>) {
    const asked: (readonly [path: string, login: string])[] = [];
    const made = createServer(({ url = '', headers }, response) => {
      asked.push([url, headers.authorization ?? '']);
      const answer = answers[url];
      response.statusCode = answer === undefined ? 404 : 200;
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}));
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    const { port } = made.address() as AddressInfo;
    const clock = { nowMs: 0 };
    const url = new URL(`http://me:s%33cret@127.0.0.1:${port}/`);
    const values = new ValueReader(new SchemaRegistry(url, () => clock.nowMs));
    return { asked, clock, values };
  }

  const RECORD = hex('00 00000007 36 06 66 6f 6f');

  it('shows text and JSON as they are, and says what it can not read', async () => {
    const values = new ValueReader(null);
    expect(await values.read(null)).toBeNull();
    expect(await values.read(Buffer.from('a'))).toEqual({ format: 'text', data: 'a' });
    expect(await values.read(Buffer.from('{"a":1}'))).toMatchObject({ format: 'json' });
    expect(await values.read(RECORD)).toMatchObject({ format: 'hex', note: 'Avro, schema id 7' });
    expect(await values.read(hex('c301 0807060504030201 02'))).toMatchObject({
      note: 'Avro, schema with the fingerprint 0102030405060708',
    });
    // A number of eight bytes is none of it.
    expect(await values.read(hex('0000000000000007'))).toEqual({ format: 'hex', data: '0000000000000007' });
  });

  it('reads by the schema that a registry has, asked for once', async () => {
    const { asked, values } = await registry({ '/schemas/ids/7': { schema: JSON.stringify(PAIR) } });
    const shown = { format: 'json', data: '{\n  "a": 27,\n  "b": "foo"\n}', note: 'Avro, schema id 7' };
    expect(await Promise.all([values.read(RECORD), values.read(RECORD)])).toEqual([shown, shown]);
    expect(asked).toEqual([['/schemas/ids/7', `Basic ${Buffer.from('me:s3cret').toString('base64')}`]]);
  });

  it('reads a schema after those that it refers to', async () => {
    const outer = { type: 'record', name: 'outer', fields: [{ name: 'in', type: 'test' }] };
    const references = [{ name: 'test', subject: 'a/b', version: 2 }];
    const { values } = await registry({
      '/schemas/ids/7': { schema: JSON.stringify(outer), references },
      '/subjects/a%2Fb/versions/2': { schema: JSON.stringify(PAIR) },
    });
    expect((await values.read(RECORD))?.data).toContain('"b": "foo"');
  });

  it('says what the registry does not know, and asks again after a while', async () => {
    const answers: Record<string, unknown> = {};
    const { clock, asked, values } = await registry(answers);
    const note = 'Avro, schema id 7: the registry answers 404';
    expect(await values.read(RECORD)).toMatchObject({ format: 'hex', note });
    answers['/schemas/ids/7'] = { schema: JSON.stringify(PAIR) };
    expect(await values.read(RECORD)).toMatchObject({ note });
    clock.nowMs = 30_000;
    expect(await values.read(RECORD)).toMatchObject({ format: 'json' });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['no JSON', 'x', 'the registry says no JSON'],
    ['too much', `"${'x'.repeat(3 * 1024 * 1024)}"`, 'the registry says more than 2097152 bytes'],
    ['another schema', { schema: '"int"' }, '4 bytes are left after the value'],
    [
      'what refers to itself',
      { schema: '"int"', references: [{ subject: 's', version: 1 }] },
      'it refers to more than 32 others',
    ],
  ])('of a registry that says %s shows bytes, with the reason', async (_what, answer, reason) => {
    const { values } = await registry({ '/schemas/ids/7': answer, '/subjects/s/versions/1': answer });
    expect(await values.read(RECORD)).toMatchObject({ format: 'hex', note: `Avro, schema id 7: ${reason}` });
  });

  it('shows what is no Avro by its name, and JSON as JSON', async () => {
    const { values } = await registry({ '/schemas/ids/7': { schema: '{}', schemaType: 'JSON' } });
    const record = Buffer.concat([hex('00 00000007'), Buffer.from('{"a":1}')]);
    expect(await values.read(record)).toMatchObject({ format: 'json', note: 'JSON, schema id 7' });
  });

  it('reads an object that names its schema by the fingerprint', async () => {
    const fingerprint = Buffer.alloc(8);
    fingerprint.writeBigUInt64LE(fingerprintOf(JSON.stringify(PAIR)));
    const object = Buffer.concat([hex('c301'), fingerprint, hex('36 06 66 6f 6f')]);
    const values = new ValueReader(null, ['"int"', JSON.stringify(PAIR)]);
    const note = `Avro, schema with the fingerprint ${fingerprint.reverse().toString('hex')}`;
    expect(await values.read(object)).toEqual({
      format: 'json',
      data: '{\n  "a": 27,\n  "b": "foo"\n}',
      note,
    });
    expect(await values.read(object.subarray(0, -1))).toMatchObject({
      format: 'hex',
      note: `${note}: the value ends too early`,
    });
  });

  it.each(['null', 'deflate'])('reads a file with its schema, codec %s', async (codec) => {
    const text = (value: string): Buffer =>
      Buffer.concat([Buffer.from([2 * value.length]), Buffer.from(value)]);
    const objects = hex('06 05');
    const block = codec === 'null' ? objects : deflateRawSync(objects);
    const sync = Buffer.alloc(16, 9);
    const file = Buffer.concat([
      Buffer.from('Obj\x01', 'latin1'),
      hex('04'),
      text('avro.schema'),
      text('"int"'),
      text('avro.codec'),
      text(codec),
      hex('00'),
      sync,
      hex('04'),
      Buffer.from([2 * block.length]),
      block,
      sync,
    ]);
    const read = await new ValueReader(null).read(file);
    expect(read).toEqual({ format: 'json', data: '[\n  3,\n  -3\n]', note: 'an Avro file' });
    const cut = await new ValueReader(null).read(file.subarray(0, -1));
    expect(cut).toMatchObject({ format: 'hex', note: 'an Avro file: the value ends too early' });
  });
});

it('a file that is no schema is refused before anything is opened', async () => {
  const refused = await run(
    `${ODRADEK} console --bootstrap-server 127.0.0.1:1 --avro-schema <(echo '"Nowhere"')`,
  );
  expect(refused.status).toBe(2);
  expect(refused.err).toMatch(/^odradek console: --avro-schema \S+: the schema has no type Nowhere\n$/);
});
