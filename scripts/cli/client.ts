/**
 * The client of the commands that write and read records: kafkajs, with the codecs that it leaves to others taken from
 * broker/records, so that topics in every codec can be read and written.
 */
import kafkajs, { type SASLOptions } from 'kafkajs';
import { tlsOptions } from '../../broker/platform/tls-sockets.ts';
import type { Codec } from '../../broker/records/batch.ts';
import { compress, decompress } from '../../broker/records/compression.ts';
import { bootstrapAddresses } from './bootstrap.ts';
import { type ClientSecurity, PLAINTEXT } from './client-security.ts';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

/** One batch of a fetch is never larger than what a broker may be told to accept. */
const LIMIT_BYTES = 256 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3000;
const RETRIES = 8;

export const COMPRESSIONS: Record<string, number> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

export function kafkaClient(
  bootstrapServers: string,
  { tls, login }: ClientSecurity = PLAINTEXT,
): InstanceType<typeof Kafka> {
  keepQuietOfTimers();
  CompressionCodecs[CompressionTypes.Snappy] = codecOf('snappy');
  CompressionCodecs[CompressionTypes.LZ4] = codecOf('lz4');
  CompressionCodecs[CompressionTypes.ZSTD] = codecOf('zstd');
  return new Kafka({
    clientId: 'odradek',
    brokers: bootstrapAddresses(bootstrapServers).map(({ host, port }) => `${host}:${port}`),
    ...(tls === null ? {} : { ssl: tlsOptions(tls) }),
    ...(login === null ? {} : { sasl: saslOptions(login) }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    retry: { retries: RETRIES, initialRetryTime: 100, maxRetryTime: 2000 },
  });
}

function saslOptions(login: NonNullable<ClientSecurity['login']>): SASLOptions {
  if ('getToken' in login) {
    const extensions = Object.fromEntries(login.extensions);
    const provider = async () => ({ value: await login.getToken(), extensions });
    return { mechanism: 'oauthbearer', oauthBearerProvider: provider };
  }
  const { mechanism, user, password } = login;
  const credentials = { username: user, password };
  if (mechanism === 'PLAIN') return { mechanism: 'plain', ...credentials };
  if (mechanism === 'SCRAM-SHA-256') return { mechanism: 'scram-sha-256', ...credentials };
  return { mechanism: 'scram-sha-512', ...credentials };
}

/** kafkajs's error with the name that Kafka has for it, which is at the end of the causes. */
export function reasonOfFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  let root: Error & { readonly type?: unknown } = error;
  while (root.cause instanceof Error) root = root.cause;
  return typeof root.type === 'string' ? new Error(`${root.type}: ${root.message}`, { cause: error }) : error;
}

/** kafkajs arms a timer in the past now and then; Node would warn of it in the middle of the output. */
function keepQuietOfTimers(): void {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] !== 'TimeoutNegativeWarning') Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
}

function codecOf(codec: Codec) {
  return () => ({
    compress: (encoder: { buffer: Buffer }) => Promise.resolve(compress(codec, encoder.buffer)),
    decompress: (buffer: Buffer) => Promise.resolve(decompress(codec, buffer, LIMIT_BYTES)),
  });
}
