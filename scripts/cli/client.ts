/**
 * The Kafka client of the command line: kafkajs, with the codecs that it leaves to others taken from
 * broker/records, so that topics in every codec can be read and written.
 */
import kafkajs from 'kafkajs';
import type { Codec } from '../../broker/records/batch.ts';
import { compress, decompress } from '../../broker/records/compression.ts';
import type { OptionSpec } from './arguments.ts';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

/** One batch of a fetch is never larger than what a broker may be told to accept. */
const LIMIT_BYTES = 256 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3000;
const RETRIES = 8;

export const bootstrapOption: OptionSpec = {
  name: 'bootstrap-server',
  value: 'HOST:PORT,…',
  help: 'brokers to begin with',
  fallback: '127.0.0.1:9092',
};
export const jsonOption: OptionSpec = { name: 'json', help: 'answer in JSON' };

export const COMPRESSIONS: Record<string, number> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

export function kafkaClient(bootstrapServers: string): InstanceType<typeof Kafka> {
  CompressionCodecs[CompressionTypes.Snappy] = codecOf('snappy');
  CompressionCodecs[CompressionTypes.LZ4] = codecOf('lz4');
  CompressionCodecs[CompressionTypes.ZSTD] = codecOf('zstd');
  return new Kafka({
    clientId: 'odradek',
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    retry: { retries: RETRIES, initialRetryTime: 100, maxRetryTime: 2000 },
  });
}

function codecOf(codec: Codec) {
  return () => ({
    compress: (encoder: { buffer: Buffer }) => Promise.resolve(compress(codec, encoder.buffer)),
    decompress: (buffer: Buffer) => Promise.resolve(decompress(codec, buffer, LIMIT_BYTES)),
  });
}
