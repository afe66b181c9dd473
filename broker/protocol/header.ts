/**
 * Request and response headers. The request header stands before everything and its version follows
 * from API and version: 0 for ControlledShutdown v0, 2 (with a tagged section) for flexible versions,
 * else 1. ClientId keeps its two-byte length in every version. The response of ApiVersions has header
 * version 0 always, since its reader can't know yet what the broker speaks.
 */
import { ProtocolError, Reader } from './reader.ts';
import type { AnyApi } from './schema.ts';
import type { Writer } from './writer.ts';

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Where in the frame the request itself begins. */
  readonly bodyOffset: number;
}

const CONTROLLED_SHUTDOWN = 7;
const API_VERSIONS = 18;

/** Of a request in this version, which need not be one that the API has. */
export function requestHeaderVersion(api: AnyApi, version: number): 0 | 1 | 2 {
  if (api.key === CONTROLLED_SHUTDOWN && version === 0) return 0;
  return version >= api.requestFlexibleFrom ? 2 : 1;
}

/** Of the response to a request in this version. */
function responseHeaderVersion(api: AnyApi, version: number): 0 | 1 {
  if (api.key === API_VERSIONS) return 0;
  return version >= api.responseFlexibleFrom ? 1 : 0;
}

/**
 * Reads the header of a frame (without its length). `apiByKey` knows the APIs that are spoken; a key
 * it doesn't know is a ProtocolError, as is a truncated header. The version is not checked here:
 * ApiVersions must be answered in any.
 */
export function parseRequestHeader(
  frame: Buffer,
  apiByKey: (key: number) => AnyApi | undefined,
): RequestHeader {
  const reader = new Reader(frame);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const api = apiByKey(apiKey);
  if (api === undefined) throw new ProtocolError(`there is no API with key ${apiKey}`);
  const headerVersion = requestHeaderVersion(api, apiVersion);
  const clientId = headerVersion >= 1 ? reader.nullableString() : null;
  if (headerVersion >= 2) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId, bodyOffset: reader.position };
}

/** Appends a request header to what `writer` holds. */
export function writeRequestHeader(
  api: AnyApi,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  writer: Writer,
): void {
  const headerVersion = requestHeaderVersion(api, version);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(header.correlationId);
  if (headerVersion >= 1) writer.nullableString(header.clientId);
  if (headerVersion >= 2) writer.uvarint(0);
}

/** Appends a response header to what `writer` holds. */
export function writeResponseHeader(
  api: AnyApi,
  version: number,
  correlationId: number,
  writer: Writer,
): void {
  writer.int32(correlationId);
  if (responseHeaderVersion(api, version) >= 1) writer.uvarint(0);
}

/** Reads a response header; the API and version are those of the request that `correlationId` names. */
export function parseResponseHeader(api: AnyApi, version: number, frame: Buffer): { bodyOffset: number } {
  const reader = new Reader(frame);
  reader.int32();
  if (responseHeaderVersion(api, version) >= 1) reader.skipTags();
  return { bodyOffset: reader.position };
}
