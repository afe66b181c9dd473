/**
 * Bytes to messages and back. A codec is compiled at the first use of a version and kept: a pure
 * function of the schema, so sharing it between brokers of one process shares nothing that changes.
 */
import { compileDecoder, compileSteppedDecoder } from './compile-decoder.ts';
import { compileEncoder, compileSteppedEncoder } from './compile-encoder.ts';
import type { Target } from './field-facts.ts';
import { type MessageLimits, ProtocolError, Reader } from './reader.ts';
import type {
  AnyApi,
  Data,
  DataInput,
  DataOf,
  RequestInput,
  RequestOf,
  ResponseInput,
  ResponseOf,
  Schema,
} from './schema.ts';
import { Writer } from './writer.ts';

/**
 * Decodes what follows the request header. Buffers within are views of `body`; bytes behind the message
 * are passed over. Throws ProtocolError on what does not begin with a whole message of this version, and
 * on one beyond the limits.
 */
export function decodeRequest<A extends AnyApi>(
  api: A,
  version: number,
  body: Buffer,
  limits?: MessageLimits,
): RequestOf<A> {
  checkVersion(api, version);
  return decode(api.request, version, api.requestFlexibleFrom, new Reader(body, limits)) as RequestOf<A>;
}

/** The same in steps, for requests with more than can be read in one turn of the event loop. */
export function decodeRequestInSteps<A extends AnyApi>(
  { request: fields, requestFlexibleFrom }: A,
  version: number,
  reader: Reader,
): Generator<undefined, RequestOf<A>> {
  const decoder = steppedDecoders.get(fields, version, requestFlexibleFrom);
  return decoder(reader) as Generator<undefined, RequestOf<A>>;
}

/** Encodes a request without its header. */
export function encodeRequest<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Buffer[] {
  const writer = new Writer();
  writeRequest(api, version, request, writer);
  return writer.finish();
}

/** Decodes what follows the response header. */
export function decodeResponse<A extends AnyApi>(api: A, version: number, body: Buffer): ResponseOf<A> {
  checkVersion(api, version);
  return decode(api.response, version, api.responseFlexibleFrom, new Reader(body)) as ResponseOf<A>;
}

/** Encodes a response without its header; record batches are parts by reference. */
export function encodeResponse<A extends AnyApi>(
  api: A,
  version: number,
  response: ResponseInput<A>,
): Buffer[] {
  const writer = new Writer();
  writeResponse(api, version, response, writer);
  return writer.finish();
}

/** Appends a request to what `writer` holds. */
export function writeRequest<A extends AnyApi>(
  api: A,
  version: number,
  request: RequestInput<A>,
  writer: Writer,
): void {
  checkVersion(api, version);
  encoders.get(api.request, version, api.requestFlexibleFrom)(writer, request);
}

/** Appends a response to what `writer` holds. */
export function writeResponse<A extends AnyApi>(
  api: A,
  version: number,
  response: ResponseInput<A>,
  writer: Writer,
): void {
  checkVersion(api, version);
  encoders.get(api.response, version, api.responseFlexibleFrom)(writer, response);
}

/** The same in steps. */
export function writeResponseInSteps<A extends AnyApi>(
  { response: fields, responseFlexibleFrom }: A,
  version: number,
  response: ResponseInput<A>,
  writer: Writer,
): Generator<undefined, void> {
  return steppedEncoders.get(fields, version, responseFlexibleFrom)(writer, response);
}

/** Decodes stored data, without the version in front of it. */
export function decodeData<D extends Data<Schema>>(data: D, version: number, body: Buffer): DataOf<D> {
  checkVersion(data, version);
  return decode(data.fields, version, data.flexibleFrom, new Reader(body)) as DataOf<D>;
}

/** Encodes data to store, without the version in front of it. */
export function encodeData<D extends Data<Schema>>(data: D, version: number, value: DataInput<D>): Buffer {
  checkVersion(data, version);
  const writer = new Writer();
  encoders.get(data.fields, version, data.flexibleFrom)(writer, value);
  return Buffer.concat(writer.finish());
}

function checkVersion(
  message: { readonly name: string; readonly minVersion: number; readonly maxVersion: number },
  version: number,
): void {
  if (version < message.minVersion || version > message.maxVersion) {
    throw new ProtocolError(`${message.name} has no version ${version}`);
  }
}

/** What stands behind the message is not looked at: librdkafka leaves bytes there, and Kafka never looks. */
function decode(fields: Schema, version: number, flexibleFrom: number, reader: Reader): unknown {
  return decoders.get(fields, version, flexibleFrom)(reader);
}

/** Codecs of one kind by schema and version, compiled when they are first asked for. */
class Compiled<Codec> {
  readonly #compile: (fields: Schema, target: Target) => Codec;
  readonly #known = new WeakMap<Schema, Map<number, Codec>>();

  constructor(compile: (fields: Schema, target: Target) => Codec) {
    this.#compile = compile;
  }

  get(fields: Schema, version: number, flexibleFrom: number): Codec {
    let versions = this.#known.get(fields);
    if (versions === undefined) {
      versions = new Map();
      this.#known.set(fields, versions);
    }
    let codec = versions.get(version);
    if (codec === undefined) {
      codec = this.#compile(fields, { version, flexible: version >= flexibleFrom });
      versions.set(version, codec);
    }
    return codec;
  }
}

const decoders = new Compiled(compileDecoder);
const encoders = new Compiled(compileEncoder);
const steppedDecoders = new Compiled(compileSteppedDecoder);
const steppedEncoders = new Compiled(compileSteppedEncoder);
