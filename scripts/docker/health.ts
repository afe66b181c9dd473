/** The image's health check: the broker's own /healthz on its peer port. Exit status 0 when it is healthy. */
import { containerShape } from './container-shape.ts';

const TIMEOUT_MS = 3000;

/** Says how the broker is, and sets the exit status. */
export async function checkHealth(): Promise<void> {
  const listener = containerShape([]).properties.get('peer.listener') ?? '';
  const [, host = '', port = '0'] = /^PEER:\/\/(.*):(\d+)$/.exec(listener) ?? [];
  if (Number(port) === 0) {
    console.log(`peer.listener must name a port so that health can be asked for, not '${listener}'`);
    process.exit(1);
  }
  const everywhere = host === '' || host === '0.0.0.0' || host === '[::]';
  const url = `http://${everywhere ? '127.0.0.1' : host}:${port}/healthz`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    console.log((await answer.text()).trim());
    process.exitCode = answer.ok ? 0 : 1;
  } catch (error) {
    console.log(`${url}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
