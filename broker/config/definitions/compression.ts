/** Compression of what is stored, in the same words for the broker as a whole and for a topic. */
import { int, text } from '../property.ts';
import { between, COMPRESSION_TYPE, GZIP_LEVEL } from '../validators.ts';

export const COMPRESSION = {
  type: text(
    'producer',
    'cluster-wide',
    'Codec of what is stored; `producer` keeps the codec of the producer.',
    COMPRESSION_TYPE,
  ),
  gzipLevel: int('-1', 'cluster-wide', 'Level of gzip when the broker compresses.', GZIP_LEVEL),
  lz4Level: int('9', 'cluster-wide', 'Level of lz4 when the broker compresses.', between(1, 17)),
  zstdLevel: int('3', 'cluster-wide', 'Level of zstd when the broker compresses.', between(-131072, 22)),
};
