/**
 * Names of cipher suites: Kafka's configs have those of the IANA registry, which Java uses; Node has
 * OpenSSL's. Those of TLS 1.3 are the same in both. Either is taken.
 */

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` as `ECDHE-RSA-AES128-GCM-SHA256`; another name is returned as it is. */
export function opensslCipher(name: string): string {
  const parts = /^(?:TLS|SSL)_(\w+?)_WITH_(\w+)$/.exec(name);
  if (parts === null) return name;
  const [, exchange = '', rest = ''] = parts;
  const cipher = rest
    .replace(/^CHACHA20_POLY1305_SHA256$/, 'CHACHA20_POLY1305')
    .replace(/(AES|CAMELLIA)_(\d+)/, '$1$2')
    .replace('_CBC_', '_')
    .replaceAll('_', '-');
  return exchange === 'RSA' ? cipher : `${exchange.replaceAll('_', '-')}-${cipher}`;
}
