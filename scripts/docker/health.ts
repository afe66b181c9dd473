/**
 * The image's health check: the broker's own /healthz on its peer port, with the broker's certificate where
 * peers speak TLS. Exit status 0 when it is healthy.
 */
import { askHttp } from '../../broker/platform/http-asker.ts';
import { containerShape } from './container-shape.ts';

/** Of the whole check; Docker's own, which ends it without a word, is longer. */
const TIMEOUT_MS = 3000;
const MAX_ANSWER_BYTES = 65_536;

interface Health {
  readonly isHealthy: boolean;
  /** One line. */
  readonly text: string;
}

/** Says how the broker is, and sets the exit status. */
export async function checkHealth(): Promise<void> {
  const { isHealthy, text } = await ownHealth();
  console.log(text);
  process.exitCode = isHealthy ? 0 : 1;
}

/** Of this container's broker. */
async function ownHealth(): Promise<Health> {
  let properties: ReadonlyMap<string, string>;
  try {
    ({ properties } = containerShape([]));
  } catch (error) {
    return { isHealthy: false, text: String(error) };
  }
  return askedHealth(properties);
}

/** Of the broker that has these properties. Never rejects. */
export async function askedHealth(properties: ReadonlyMap<string, string>): Promise<Health> {
  const listener = properties.get('peer.listener') ?? '';
  const [, host = '', port = '0'] = /^PEER:\/\/(.*):(\d+)$/.exec(listener) ?? [];
  if (Number(port) === 0) {
    const text = `peer.listener must name a port so that health can be asked for, not '${listener}'`;
    return { isHealthy: false, text };
  }
  const everywhere = host === '' || host === '0.0.0.0' || host === '[::]';
  const address = `${everywhere ? '127.0.0.1' : host}:${port}/healthz`;
  try {
    // Loaded for those who need it: the check starts every few seconds.
    const maySpeakTls = [...properties.values()].some((value) => value.includes('SSL'));
    const tls = maySpeakTls ? await (await import('./health-tls.ts')).healthTls(properties) : null;
    const { status, body } = await askHttp({
      url: new URL(`${tls === null ? 'http' : 'https'}://${address}`),
      ...{ method: 'GET', headers: {}, body: null, tls, maxBytes: MAX_ANSWER_BYTES },
      // The answer has the time that is left of the connection's.
      ...{ connectTimeoutMs: TIMEOUT_MS, readTimeoutMs: 0 },
    });
    return { isHealthy: status === 200, text: body.trim() };
  } catch (error) {
    return {
      isHealthy: false,
      text: `${address}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
