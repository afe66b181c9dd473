/**
 * Faults of brokers in other processes (fault.api.enable), asked for by their kinds in broker/faults/: the
 * types of their parameters are those of the table that the broker routes by.
 */
import type { FaultArguments, FaultName } from '../../../broker/faults/fault-table.ts';
import type { FaultView } from '../../../broker/faults/placed-faults.ts';

/** A fault that has struck. */
export interface RemoteFault extends FaultView {
  /** Ends it before its time; nothing when it is over. */
  heal(): Promise<void>;
}

interface RemoteFaults {
  /**
   * Rejects with the broker's own words when it is asked for wrongly, or impossible.
   * @example await faults.strike('link-cut', { to: 2, forMs: 5000 })
   */
  strike<Name extends FaultName>(
    fault: Name,
    ...given: object extends FaultArguments<Name> ? [FaultArguments<Name>?] : [FaultArguments<Name>]
  ): Promise<RemoteFault>;
}

export interface BrokerFaults extends RemoteFaults {
  /** What is in place. */
  list(): Promise<readonly FaultView[]>;
  /** All, whoever asked for them. */
  healAll(): Promise<void>;
  /**
   * Faults that end with this process, however it ends, or with `release`.
   * @example await using held = await faults.hold(); await held.strike('disk-full')
   */
  hold(): Promise<HeldFaults>;
}

export interface HeldFaults extends RemoteFaults, AsyncDisposable {
  /** Ends them all. */
  release(): Promise<void>;
}

/** Of the broker whose peer endpoint this is, such as `http://127.0.0.1:9190`. Nothing is asked for yet. */
export function faultsAt(peerUrl: string): BrokerFaults {
  const url = `${peerUrl.replace(/\/$/, '')}/faults`;
  return {
    strike: strikingAt(url),
    list: async () => (await ask<{ faults: FaultView[] }>('GET', url)).faults,
    async healAll() {
      await ask('DELETE', url);
    },
    hold: () => hold(url),
  };
}

function strikingAt(url: string, asker: object = {}): RemoteFaults['strike'] {
  return async (fault, ...[given]) => {
    const view = await ask<FaultView>('POST', `${url}/${fault}`, { ...given, ...asker });
    return {
      ...view,
      async heal() {
        if (view.leftMs > 0) await ask('DELETE', `${url}/${view.id}`);
      },
    };
  };
}

async function hold(url: string): Promise<HeldFaults> {
  const connection = new AbortController();
  const response = await fetch(`${url}/hold`, {
    method: 'POST',
    headers: OWN_CONNECTION,
    signal: connection.signal,
  });
  if (!response.ok || response.body === null) throw new Error(await errorOf(response));
  const lines = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const { value = '' } = await lines.read();
  const { asker } = JSON.parse(value) as { asker: string };
  // Signs of life are read, or they would pile up; at the end there is nothing to be said.
  const drain = async (): Promise<void> => {
    while (!(await lines.read()).done);
  };
  drain().catch(() => {});
  const release = async (): Promise<void> => {
    connection.abort();
    const isLeft = async (): Promise<boolean> => {
      // A broker that is gone has no faults.
      const { faults } = await ask<{ faults: FaultView[] }>('GET', url).catch(() => ({ faults: [] }));
      return faults.some((fault) => fault.asker === asker);
    };
    // The broker hears of it a moment later.
    while (await isLeft()) await new Promise((resolve) => setTimeout(resolve, RELEASE_PAUSE_MS));
  };
  return { strike: strikingAt(url, { asker }), release, [Symbol.asyncDispose]: release };
}

const RELEASE_PAUSE_MS = 10;
/** One that is kept may lead to a process that was killed, or closes it just now after a pause. */
const OWN_CONNECTION = { connection: 'close' };

async function ask<Answer>(method: string, url: string, body?: object): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: OWN_CONNECTION,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // One that ended by itself meanwhile is what was wanted.
  if (!response.ok && !(method === 'DELETE' && response.status === 404))
    throw new Error(await errorOf(response));
  return (await response.json()) as Answer;
}

async function errorOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { error: string }).error;
  } catch {
    return `${response.status}: ${text.trim()}`;
  }
}
