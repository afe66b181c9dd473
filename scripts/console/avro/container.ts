/**
 * Avro's object container files, as some put them into records whole: the schema is in front, and objects follow
 * in blocks.
 * Source: Apache Avro specification 1.12, "Object Container Files".
 */
import { inflateRawSync } from 'node:zlib';
import { type AvroType, avroSchema, BadAvro } from './avro-schema.ts';
import { ValueCursor } from './avro-value.ts';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
const MOST_OBJECTS = 1000;
const MOST_BLOCK_BYTES = 16 * 1024 * 1024;
const HEADER: AvroType = { kind: 'map', items: { kind: 'bytes', logical: null, scale: 0 } };

export function isContainer(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/** Its objects; throws BadAvro. */
export function containerObjects(bytes: Buffer): unknown[] {
  const file = new ValueCursor(bytes.subarray(MAGIC.length));
  const header = file.value(HEADER, 0) as Readonly<Record<string, string>>;
  const type = avroSchema(textOf(header['avro.schema']));
  const codec = textOf(header['avro.codec']) || 'null';
  const sync = file.take(SYNC_BYTES);
  const objects: unknown[] = [];
  while (file.left > 0) {
    const count = Number(file.long());
    const block = new ValueCursor(inflated(file.sized(), codec));
    if (count < 0 || objects.length + count > MOST_OBJECTS)
      throw new BadAvro(`the file has more than ${MOST_OBJECTS} objects`);
    for (let index = 0; index < count; index++) objects.push(block.value(type, 0));
    if (!file.take(SYNC_BYTES).equals(sync)) throw new BadAvro('a block of the file ends wrongly');
  }
  return objects;
}

/** Bytes are read as hexadecimal. */
function textOf(hexadecimal: string | undefined): string {
  return Buffer.from((hexadecimal ?? '').slice(2), 'hex').toString('utf8');
}

function inflated(bytes: Buffer, codec: string): Buffer {
  if (codec === 'null') return bytes;
  if (codec !== 'deflate')
    throw new BadAvro(`the file is compressed by ${codec.slice(0, 20)}, which is not read`);
  try {
    return inflateRawSync(bytes, { maxOutputLength: MOST_BLOCK_BYTES });
  } catch {
    throw new BadAvro('a block of the file can not be inflated');
  }
}
